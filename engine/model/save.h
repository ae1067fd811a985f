// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

#include "engine/core/result.h"
#include "engine/model/model.h"

namespace ts {

struct Saved {
  std::uint64_t bytes = 0;                    ///< of the file
  std::map<std::string, std::int64_t> types;  ///< matrices by the type they have in the file
};

/// Writes a model, transformed or not, as a GGUF file whose weights mean the same floats bit for bit as the model's.
/// `source` is the checkpoint it was built from: its metadata and tokenizer go with it, and matrices that are still its
/// own keep their stored blocks. Pruned layers and low-rank factors make it the project's own container (export.h).
/// Errors: Unsupported, naming the matrix, for what GGUF has no type for (odd groups, zero points that are no halves);
/// Io; Cancelled. Nothing half-written.
Result<Saved> saveModel(const std::filesystem::path& path, const Model& model, const Checkpoint& source, std::stop_token stop = {});

}  // namespace ts
