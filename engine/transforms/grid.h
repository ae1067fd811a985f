// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/core/thread_pool.h"
#include "engine/transforms/linalg.h"

namespace ts {

/// A uniform integer grid for each group of `group` neighbouring inputs of a row (the last group of a row may be shorter).
struct GridShape {
  static constexpr int kWholeRow = 1 << 30;  ///< as a group: one scale a row
  int bits = 4;           ///< 2 to 8
  int group = 32;         ///< inputs that share a scale
  bool symmetric = true;  ///< zero lies on the grid and needs no storage

  int levels() const { return 1 << bits; }
  int middle() const { return 1 << (bits - 1); }  ///< the symmetric grid's code for zero
  std::int64_t groups(std::int64_t cols) const { return (cols + group - 1) / group; }
};

/// value(code) = scale * code + offset, code in [0, levels). Both are binary16 numbers, since that is how they are stored;
/// the symmetric grid's offset is -scale * middle, exactly.
struct Grid {
  float scale = 0;
  float offset = 0;
  float value(int code) const { return scale * static_cast<float>(code) + offset; }
};

/// The grid of one group of weights `w[0], w[stride], ...`, `clip` (0, 1] times as wide as the weights reach.
/// Symmetric, below 8 bits: the largest magnitude lies on code 0, the grid's longer end, as in GGUF's Q4_0 (the scale is then
/// negative for a positive extreme); 8 bits: +-127 steps, as in Q8_0. Asymmetric: from the smallest to the largest, as in Q4_1.
/// Not-a-numbers for weights that are not all finite: rounding does not make a broken matrix look sound.
Grid fitGrid(const GridShape& shape, const float* w, std::int64_t count, std::int64_t stride = 1, float clip = 1.0f);

/// The nearest code of the grid.
int encode(const GridShape& shape, const Grid& grid, float w);

/// A quantized matrix before packing: codes row-major, grids [rows, groups].
struct Quantized {
  GridShape shape;
  std::int64_t rows = 0, cols = 0;
  std::vector<std::uint8_t> codes;
  std::vector<Grid> grids;

  Quantized(const GridShape& shape, std::int64_t rows, std::int64_t cols)
      : shape(shape), rows(rows), cols(cols), codes(static_cast<std::size_t>(rows * cols)),
        grids(static_cast<std::size_t>(rows * shape.groups(cols))) {}
  const Grid& grid(std::int64_t row, std::int64_t col) const {
    return grids[static_cast<std::size_t>(row * shape.groups(cols) + col / shape.group)];
  }
  Grid& grid(std::int64_t row, std::int64_t col) { return const_cast<Grid&>(std::as_const(*this).grid(row, col)); }
  void decodeRow(std::int64_t row, float* out) const;
  FloatMatrix decode() const;
};

/// Rounds each weight to the nearest value of its group's grid. `clip`, if given, holds one factor per row and group.
Quantized roundToNearest(const GridShape& shape, const FloatMatrix& weights, ThreadPool& pool, const std::vector<float>* clip = nullptr);

}  // namespace ts
