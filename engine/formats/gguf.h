// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/tensor.h"

namespace ts {

struct GgufArray;
/// A metadata value; all integers widened to 64 bits (u64 above i64's range is an error), floats to double.
using GgufValue = std::variant<bool, std::int64_t, double, std::string, std::shared_ptr<const GgufArray>>;
/// An array of one element type; exactly one of the vectors is used.
struct GgufArray {
  std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>> items;
};

struct GgufTensor {
  std::string name;
  std::vector<std::uint64_t> dimensions;  ///< as in the file: the first runs fastest (inputs)
  Tensor tensor;
};

/// A GGUF v3 file (v2 has the same layout): metadata and memory-mapped tensors.
struct GgufFile {
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::vector<GgufTensor> tensors;
  std::filesystem::path path;
  std::uint64_t fileBytes = 0;
};
Result<GgufFile> readGguf(const std::filesystem::path& path);

/// Writes a GGUF v3 file to a temporary beside `path`, then renames it: a full disk leaves nothing half-written.
Result<void> writeGguf(const std::filesystem::path& path, const GgufFile& file);

}  // namespace ts
