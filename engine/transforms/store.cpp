// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/store.h"

#include <cassert>

#include "engine/weights/formats.h"

namespace ts {

MatrixPtr pack(const Quantized& quantized, ThreadPool& pool) {
  const GridShape& shape = quantized.shape;
  std::vector<float> scales, offsets;
  scales.reserve(quantized.grids.size());
  for (const Grid& grid : quantized.grids) {
    scales.push_back(grid.scale);
    if (!shape.symmetric) offsets.push_back(grid.offset);
  }
  const QuantizedRows rows{.bits = shape.bits, .rows = quantized.rows, .cols = quantized.cols,
                           .group = shape.group == GridShape::kWholeRow ? kWholeRow : shape.group, .codes = quantized.codes.data(),
                           .scales = scales.data(), .offsets = shape.symmetric ? nullptr : offsets.data()};
  return packQuantized(rows, pool);
}

MatrixPtr packPlain(const FloatMatrix& values, const std::string& format, ThreadPool& pool) {
  if (format == "f32") return packF32(values.data(), values.rows(), values.cols(), pool);
  if (format == "bf16") return packBf16(values.data(), values.rows(), values.cols(), pool);
  assert(format == "f16");
  return packF16(values.data(), values.rows(), values.cols(), pool);
}

std::string plainFormatOf(const Matrix& matrix) {
  const std::string format = matrix.format();
  return format == "f32" || format == "bf16" ? format : "f16";
}

std::optional<LowRankParts> lowRankParts(const Matrix& matrix) {
  const auto factors = lowRankFactors(matrix);
  if (!factors) return {};
  return LowRankParts{factors->first, factors->second};
}

MatrixPtr joinLowRank(const LowRankParts& parts) { return makeLowRank(parts.a, parts.b); }

}  // namespace ts
