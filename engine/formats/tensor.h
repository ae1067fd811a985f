// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace ts {

/// How a tensor's values are stored in a file. Block types are GGUF's, bit for bit.
enum class TensorType {
  F32, F16, BF16,
  Q8_0, Q4_0, Q4_1, Q5_0, Q5_1,
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K,
  IQ4_NL, IQ4_XS,
};

struct TensorTypeInfo {
  std::string_view name;     ///< "Q4_K"
  std::int64_t blockValues;  ///< values a block holds along K; 1 for plain types
  std::size_t blockBytes;
  std::uint32_t ggufId;      ///< ggml_type
};
const TensorTypeInfo& info(TensorType type);
std::optional<TensorType> tensorTypeOfGguf(std::uint32_t id);

/// `count` values (a multiple of the block's) from `data` to float32. The reference of every format.
void dequantize(TensorType type, const std::byte* data, std::int64_t count, float* out);

/// A tensor in a mapped file (or owned, where a file's layout had to be changed), rows of `cols` values.
struct Tensor {
  TensorType type = TensorType::F32;
  std::int64_t rows = 0;  ///< 1 for vectors
  std::int64_t cols = 0;
  const std::byte* data = nullptr;
  std::shared_ptr<const void> owner;  ///< keeps the mapping or the copy alive

  std::size_t rowBytes() const { return static_cast<std::size_t>(cols / info(type).blockValues) * info(type).blockBytes; }
  std::size_t bytes() const { return rowBytes() * static_cast<std::size_t>(rows); }
  const std::byte* row(std::int64_t i) const { return data + static_cast<std::size_t>(i) * rowBytes(); }
  /// Rows [first, first + count) sharing the same memory.
  Tensor slice(std::int64_t first, std::int64_t count) const {
    Tensor t = *this;
    t.data = row(first);
    t.rows = count;
    return t;
  }
  std::vector<float> toFloats() const {
    std::vector<float> out(static_cast<std::size_t>(rows * cols));
    dequantize(type, data, rows * cols, out.data());
    return out;
  }
};

}  // namespace ts
