// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/checkpoint.h"
#include "engine/formats/tensor.h"

namespace ts {

/// One tensor of a model to be written: its canonical name (checkpoint.h), the type it shall have in the file, and its
/// values, either as stored blocks of that very type or as floats on demand (a matrix is unpacked a few rows at a time,
/// never whole). Norm weights are as the forward pass multiplies with them: Gemma's +1 is in.
struct ExportTensor {
  std::string name;
  std::int64_t rows = 0;  ///< 1 for vectors
  std::int64_t cols = 0;
  TensorType type = TensorType::F32;
  Tensor blocks;  ///< data null: take readRows
  std::function<void(std::int64_t first, std::int64_t count, float* out)> readRows;
};

/// Writes the tensors as a GGUF v3 file that llama.cpp's rules hold for: a GGUF source keeps its metadata, tokenizer and
/// names; a Hugging Face source gets GGUF's names, hyper-parameters and tokenizer (tokenizer.ggml.* where GGUF has a word
/// for it, and tokenizer.json whole as tokenizer.huggingface.json), and Llama's q and k permuted.
///
/// What GGUF has no word for makes it the project's own container (gguf_types.h), which openCheckpoint() reads and other
/// programs refuse: layers with fewer heads or neurons than others, low-rank factors, fused projections in several types.
/// `layers`, if given, says which key/value head each query head reads; the numbers of heads and neurons are the tensors'.
///
/// Temporary and rename: nothing half-written. Errors: Unsupported for a row that is no multiple of the type's block, or
/// shapes that do not fit together (named); Io; Cancelled.
Result<void> exportGguf(const std::filesystem::path& path, const Checkpoint& source, const std::vector<ExportTensor>& tensors,
                        std::stop_token stop = {}, std::span<const LayerConfig> layers = {});

/// A checkpoint's own tensors, matrices as `type` (none: as they are), vectors as F32.
std::vector<ExportTensor> exportTensors(const Checkpoint& source, std::optional<TensorType> type);

/// The type for a row of `cols` values: `wanted` if its blocks divide the row, else F16.
TensorType typeThatFits(TensorType wanted, std::int64_t cols);

}  // namespace ts
