// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <span>
#include <string>

#include "engine/transforms/gram.h"
#include "engine/transforms/grid.h"
#include "engine/transforms/transform.h"

namespace ts {

/// How far the outputs of quantized maps are from those of the maps they replace, on the calibration inputs, and how far plain rounding
/// to the same grid would be: estimated on some rows of each matrix.
class OutputErrors {
 public:
  /// `gram`: of the inputs `weights` meet. `scale`, if given: the factors put on the columns of `weights` (and taken from those inputs)
  /// before, which plain rounding would not have.
  void add(const FloatMatrix& weights, const FloatMatrix& approximation, const GridShape& shape, const FloatMatrix& gram, ThreadPool& pool,
           std::span<const float> scale = {}) {
    constexpr std::int64_t kRows = 32;
    const FloatMatrix sample = sampleRows(weights, kRows);
    const double share = static_cast<double>(weights.rows()) / static_cast<double>(sample.rows());
    output_ += share * gramNorm(sample, gram, pool);
    ours_ += share * gramNorm(sampleRows(approximation, kRows) - sample, gram, pool);
    FloatMatrix plain = sample;
    for (std::size_t k = 0; k < scale.size(); ++k) plain.col(static_cast<std::int64_t>(k)) /= scale[k];
    FloatMatrix difference = roundToNearest(shape, plain, pool).decode() - plain;
    for (std::size_t k = 0; k < scale.size(); ++k) difference.col(static_cast<std::int64_t>(k)) *= scale[k];
    nearest_ += share * gramNorm(difference, gram, pool);
  }

  /// "ID.relative_error" and "ID.relative_error_nearest": sqrt(||(Q - W) X||² / ||W X||²) over all matrices.
  void report(const std::string& id, TransformReport& out) const {
    const double output = output_ > 0 ? output_ : 1.0;
    out[id + ".relative_error"] = std::sqrt(ours_ / output);
    out[id + ".relative_error_nearest"] = std::sqrt(nearest_ / output);
  }

 private:
  double output_ = 0, ours_ = 0, nearest_ = 0;
};

}  // namespace ts
