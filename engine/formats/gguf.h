// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/tensor.h"

namespace ts {

struct GgufArray;
/// A metadata value; all integers widened to 64 bits (u64 above i64's range is an error), floats to double.
using GgufValue = std::variant<bool, std::int64_t, double, std::string, std::shared_ptr<const GgufArray>>;
/// An array of one element type; exactly one of the vectors is used (booleans are integers 0 and 1).
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
  /// The file's own type (gguf_metadata_value_type) of a value, or of an array's elements. The writer keeps it; without
  /// an entry it takes what llama.cpp expects: uint32 (int32 if negative, 64 bits if needed), float32, int32 arrays.
  std::map<std::string, std::uint32_t, std::less<>> valueTypes;
  std::vector<GgufTensor> tensors;
  std::filesystem::path path;
  std::uint64_t fileBytes = 0;
  std::uint32_t version = 3;

  const GgufTensor* find(std::string_view name) const;
  /// The value of a key if it is there and of type T (bool, std::int64_t, double, std::string); an integer is also a
  /// double.
  template <class T>
  std::optional<T> get(std::string_view key) const {
    const auto it = metadata.find(key);
    if (it == metadata.end()) return std::nullopt;
    if (const T* value = std::get_if<T>(&it->second)) return *value;
    if constexpr (std::is_same_v<T, double>)
      if (const auto* integer = std::get_if<std::int64_t>(&it->second)) return static_cast<double>(*integer);
    return std::nullopt;
  }
  /// The elements of an array if the key is an array of them (std::int64_t, double, std::string), else null.
  template <class T>
  const std::vector<T>* array(std::string_view key) const {
    const auto it = metadata.find(key);
    if (it == metadata.end()) return nullptr;
    const auto* held = std::get_if<std::shared_ptr<const GgufArray>>(&it->second);
    return held == nullptr ? nullptr : std::get_if<std::vector<T>>(&(*held)->items);
  }
};

/// Errors name the file, the byte offset and what was expected. Nothing in the file is believed before it is checked
/// against the file's size: counts, lengths, dimensions, offsets, overlaps.
Result<GgufFile> readGguf(const std::filesystem::path& path);
/// The same of bytes in memory (tests, fuzzing). `owner` keeps them alive for the tensors.
Result<GgufFile> readGguf(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& path);

/// Writes a GGUF v3 file to a temporary beside `path`, then renames it: a full disk leaves nothing half-written.
Result<void> writeGguf(const std::filesystem::path& path, const GgufFile& file);

/// The same with data made on the way: for each tensor in turn, `data(index, sink)` gives its bytes() to `sink` in
/// pieces. The tensors' own data may be null.
using GgufSink = std::function<Result<void>(const std::byte* bytes, std::size_t count)>;
using GgufData = std::function<Result<void>(std::size_t index, const GgufSink& sink)>;
Result<void> writeGguf(const std::filesystem::path& path, const GgufFile& file, const GgufData& data);

}  // namespace ts
