// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/stored_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/core/half.h"
#include "engine/formats/quantize.h"
#include "engine/kernels/panel_codes.h"
#include "engine/weights/packed.h"

namespace ts {
namespace {

Tensor emptyTensor(TensorType type, const Matrix& matrix) {
  Tensor tensor{type, matrix.rows(), matrix.cols()};
  auto bytes = std::make_shared<std::vector<std::byte>>(tensor.bytes());
  tensor.data = bytes->data();
  tensor.owner = std::move(bytes);
  return tensor;
}
std::byte* writable(const Tensor& tensor) { return const_cast<std::byte*>(tensor.data); }

/// One row's values, and the half-precision scale and offset of each block of 32.
struct Row {
  std::vector<float> values;
  std::vector<std::uint16_t> scales, offsets;
};

void readRow(const PackedMatrix& matrix, std::int64_t n, Row& row) {
  const PanelView& v = matrix.view();
  matrix.unpackRows(n, 1, row.values.data());
  for (std::int64_t block = 0; block < v.cols / kBlock; ++block) {
    const auto b = static_cast<std::size_t>(block);
    const kernels::Place at = kernels::placeOf(v, n / kPanel, block * kBlock);
    const auto i = static_cast<std::size_t>(at.k / v.group * kPanel + n % kPanel);
    row.scales[b] = reinterpret_cast<const std::uint16_t*>(at.section.scales)[i];
    if (v.offsetKind == OffsetKind::F16) row.offsets[b] = reinterpret_cast<const std::uint16_t*>(at.section.offsets)[i];
  }
}

/// The integer behind a value. Scale and integer have few bits, so their product was exact and so is the way back.
int codeOf(float value, float scale, float offset) { return scale == 0 ? 0 : static_cast<int>(std::lround((value - offset) / scale)); }

/// Range of all integers, in which 0 is included.
std::pair<int, int> codeRange(const PackedMatrix& matrix, Row& row) {
  std::pair<int, int> range{0, 0};
  for (std::int64_t n = 0; n < matrix.rows(); ++n) {
    readRow(matrix, n, row);
    for (std::size_t k = 0; k < row.values.size(); ++k) {
      const int code = codeOf(row.values[k], floatOfHalf(row.scales[k / kBlock]), floatOfHalf(row.offsets[k / kBlock]));
      range = {std::min(range.first, code), std::max(range.second, code)};
    }
  }
  return range;
}

std::optional<TensorType> typeFor(std::pair<int, int> range, bool offsets) {
  const auto within = [&](int low, int high) { return range.first >= low && range.second <= high; };
  if (offsets) return within(0, 15) ? std::optional(TensorType::Q4_1) : within(0, 31) ? std::optional(TensorType::Q5_1) : std::nullopt;
  if (within(-8, 7)) return TensorType::Q4_0;
  if (within(-16, 15)) return TensorType::Q5_0;
  return within(-128, 127) ? std::optional(TensorType::Q8_0) : std::nullopt;
}

/// One block in ggml's layout (block_q4_0 ... block_q8_0 in ggml-common.h): scale, offset, high bits, codes; the first half
/// of the values lies in the low nibbles, the second in the high ones.
void writeBlock(TensorType type, const int* codes, std::uint16_t scale, std::uint16_t offset, std::byte* out) {
  const auto put = [&](const void* bytes, std::size_t n) {
    std::memcpy(out, bytes, n);
    out += n;
  };
  put(&scale, 2);
  if (type == TensorType::Q8_0) {
    for (int k = 0; k < kBlock; ++k) out[k] = static_cast<std::byte>(static_cast<std::int8_t>(codes[k]));
    return;
  }
  const bool offsets = type == TensorType::Q4_1 || type == TensorType::Q5_1;
  const bool five = type == TensorType::Q5_0 || type == TensorType::Q5_1;
  if (offsets) put(&offset, 2);
  const int shift = offsets ? 0 : five ? 16 : 8;
  std::uint32_t high = 0;
  std::uint8_t nibbles[kBlock / 2] = {};
  for (int k = 0; k < kBlock; ++k) {
    const auto code = static_cast<std::uint32_t>(codes[k] + shift);
    nibbles[k % 16] = static_cast<std::uint8_t>(nibbles[k % 16] | (code & 15) << (k < 16 ? 0 : 4));
    high |= (code >> 4 & 1) << k;
  }
  if (five) put(&high, 4);
  put(nibbles, sizeof nibbles);
}

std::optional<Tensor> floatBlocks(const PackedMatrix& matrix) {
  const Element element = matrix.view().element;
  const TensorType type = element == Element::F32 ? TensorType::F32 : element == Element::F16 ? TensorType::F16 : TensorType::BF16;
  Tensor tensor = emptyTensor(type, matrix);
  std::vector<float> row(static_cast<std::size_t>(matrix.cols()));
  for (std::int64_t n = 0; n < matrix.rows(); ++n) {
    matrix.unpackRows(n, 1, row.data());
    quantize(type, row.data(), matrix.cols(), writable(tensor) + static_cast<std::size_t>(n) * tensor.rowBytes());
  }
  return tensor;
}

std::optional<Tensor> integerBlocks(const PackedMatrix& matrix) {
  const PanelView& v = matrix.view();
  const bool offsets = v.offsetKind == OffsetKind::F16;
  if (v.scaleKind != ScaleKind::F16 || v.group % kBlock != 0 || v.cols % kBlock != 0) return std::nullopt;
  if (v.offsetKind == OffsetKind::F32 || v.offsetKind == OffsetKind::Super) return std::nullopt;
  const auto blocks = static_cast<std::size_t>(v.cols / kBlock);
  Row row{std::vector<float>(static_cast<std::size_t>(v.cols)), std::vector<std::uint16_t>(blocks), std::vector<std::uint16_t>(blocks)};
  const auto type = typeFor(codeRange(matrix, row), offsets);
  if (!type) return std::nullopt;

  Tensor tensor = emptyTensor(*type, matrix);
  std::vector<float> back(row.values.size());
  for (std::int64_t n = 0; n < matrix.rows(); ++n) {
    readRow(matrix, n, row);
    std::byte* out = writable(tensor) + static_cast<std::size_t>(n) * tensor.rowBytes();
    for (std::size_t b = 0; b < blocks; ++b) {
      int codes[kBlock];
      for (std::size_t k = 0; k < kBlock; ++k)
        codes[k] = codeOf(row.values[b * kBlock + k], floatOfHalf(row.scales[b]), floatOfHalf(row.offsets[b]));
      writeBlock(*type, codes, row.scales[b], row.offsets[b], out + b * info(*type).blockBytes);
    }
    dequantize(*type, out, v.cols, back.data());
    if (back != row.values) return std::nullopt;
  }
  return tensor;
}

}  // namespace

std::optional<Tensor> storedBlocks(const Matrix& matrix) {
  const auto* packed = dynamic_cast<const PackedMatrix*>(&matrix);
  if (!packed) return std::nullopt;
  return isFloat(packed->view().element) ? floatBlocks(*packed) : integerBlocks(*packed);
}

}  // namespace ts
