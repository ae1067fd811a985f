// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/grid.h"

#include <algorithm>
#include <cmath>

#include "engine/core/half.h"

namespace ts {
namespace {

/// As stored: binary16, but finite and never rounded to zero unless it is zero.
float stored(float value) {
  constexpr float kLargest = 65504.0f, kSmallest = 0x1p-24f;
  if (value == 0.0f || !std::isfinite(value)) return 0.0f;
  const float magnitude = std::clamp(std::fabs(value), kSmallest, kLargest);
  return floatOfHalf(halfOfFloat(std::copysign(magnitude, value)));
}

}  // namespace

Grid fitGrid(const GridShape& shape, const float* w, std::int64_t count, std::int64_t stride, float clip) {
  float low = INFINITY, high = -INFINITY;
  bool finite = true;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = w[i * stride];
    finite &= std::isfinite(value);
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (!finite) return {NAN, NAN};
  Grid grid;
  if (!(low <= high)) return grid;
  if (shape.symmetric) {
    const float extreme = clip * (std::fabs(low) > std::fabs(high) ? low : high);
    const float steps = shape.bits == 8 ? 127.0f : static_cast<float>(-shape.middle());
    grid.scale = stored((shape.bits == 8 ? std::fabs(extreme) : extreme) / steps);
    grid.offset = -grid.scale * static_cast<float>(shape.middle());
  } else {
    grid.scale = stored(clip * (high - low) / static_cast<float>(shape.levels() - 1));
    grid.offset = stored(0.5f * ((1.0f + clip) * low + (1.0f - clip) * high));
  }
  return grid;
}

int encode(const GridShape& shape, const Grid& grid, float w) {
  if (!(std::fabs(grid.scale) > 0.0f)) return shape.symmetric ? shape.middle() : 0;
  const float code = std::floor((w - grid.offset) / grid.scale + 0.5f);
  const float lowest = shape.symmetric && shape.bits == 8 ? 1.0f : 0.0f;
  return static_cast<int>(std::clamp(code, lowest, static_cast<float>(shape.levels() - 1)));
}

void Quantized::decodeRow(std::int64_t row, float* out) const {
  const std::uint8_t* code = codes.data() + row * cols;
  for (std::int64_t first = 0; first < cols; first += shape.group) {
    const Grid g = grid(row, first);
    const std::int64_t end = std::min<std::int64_t>(first + shape.group, cols);
    for (std::int64_t k = first; k < end; ++k) out[k] = g.value(code[k]);
  }
}

FloatMatrix Quantized::decode() const {
  FloatMatrix out(rows, cols);
  for (std::int64_t r = 0; r < rows; ++r) decodeRow(r, out.row(r).data());
  return out;
}

Quantized roundToNearest(const GridShape& shape, const FloatMatrix& weights, ThreadPool& pool, const std::vector<float>* clip) {
  Quantized result(shape, weights.rows(), weights.cols());
  const std::int64_t groups = shape.groups(result.cols);
  pool.split(result.rows, 1, [&](Range range, int) {
    for (std::int64_t r = range.begin; r < range.end; ++r) {
      const float* w = weights.row(r).data();
      std::uint8_t* code = result.codes.data() + r * result.cols;
      for (std::int64_t g = 0; g < groups; ++g) {
        const std::int64_t first = g * shape.group, count = std::min<std::int64_t>(shape.group, result.cols - first);
        const Grid grid = fitGrid(shape, w + first, count, 1, clip ? (*clip)[static_cast<std::size_t>(r * groups + g)] : 1.0f);
        result.grids[static_cast<std::size_t>(r * groups + g)] = grid;
        for (std::int64_t k = first; k < first + count; ++k) code[k] = static_cast<std::uint8_t>(encode(shape, grid, w[k]));
      }
    }
  });
  return result;
}

}  // namespace ts
