// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/tensor.h"

namespace ts {

/// One tensor of a safetensors file: [rows, cols] of its leading dimensions together and its last one.
struct SafeTensor {
  std::string dtype;                ///< as the file says, "BF16", "I64"
  std::vector<std::uint64_t> shape;
  Tensor tensor;                    ///< without data when the type is none of F32, F16, BF16 (buffers of integers)
  bool readable = false;            ///< the type is one of those
};

/// A safetensors file, memory-mapped. Format: https://github.com/huggingface/safetensors#format
struct SafeTensorsFile {
  std::map<std::string, SafeTensor, std::less<>> tensors;
  std::map<std::string, std::string> metadata;  ///< "__metadata__"
  std::filesystem::path path;
  std::uint64_t fileBytes = 0;
};

/// Errors name the file, the byte offset and what was expected: the header's bound, its JSON, byte ranges that do not
/// fit the shape, leave the file, or overlap.
Result<SafeTensorsFile> readSafeTensors(const std::filesystem::path& path);
/// The same of bytes in memory (tests, fuzzing). `owner` keeps them alive for the tensors.
Result<SafeTensorsFile> readSafeTensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                        const std::filesystem::path& path);

/// The tensors of a Hugging Face folder by name: model.safetensors, or the shards that model.safetensors.index.json
/// lists (each must hold what the index says), or the folder's only *.safetensors.
struct SafeTensorsFolder {
  std::map<std::string, SafeTensor, std::less<>> tensors;
  std::uint64_t fileBytes = 0;
  int files = 0;
};
Result<SafeTensorsFolder> readSafeTensorsFolder(const std::filesystem::path& folder);

}  // namespace ts
