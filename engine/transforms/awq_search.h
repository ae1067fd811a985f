// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/transforms/gram.h"
#include "engine/transforms/grid.h"

namespace ts {

/// s_k = magnitude_k^alpha, at least 1e-4, divided by sqrt(max s * min s). All ones for alpha = 0.
std::vector<float> awqScale(std::span<const float> magnitude, double alpha);

/// W diag(s) in place; s_k multiplies column k.
void scaleColumns(FloatMatrix& weights, std::span<const float> scale);
/// diag(1/s) G diag(1/s) in place: the Gram matrix of inputs divided by s.
void unscaleGram(FloatMatrix& gram, std::span<const float> scale);

struct AwqChoice {
  double alpha = 0;
  double error = 0;         ///< ||(Q(W diag s) diag(1/s) - W) X||², summed over the matrices
  double plainError = 0;    ///< the same for alpha = 0: round-to-nearest
};

/// The alpha in {0, 1/points, ..., (points-1)/points} with the least output error for matrices that share one input, estimated on
/// at most `sampledRows` rows of each; alpha = 0 is kept unless the winner is better on all rows too (AWQ, arXiv 2306.00978;
/// grid and normalization as in mit-han-lab/llm-awq, auto_scale.py, which minimizes the error of the whole attention or MLP where this
/// minimizes that of the matrices, the formula of the paper).
AwqChoice searchAlpha(std::span<const FloatMatrix* const> matrices, const FloatMatrix& gram, std::span<const float> magnitude,
                      const GridShape& shape, int points, std::int64_t sampledRows, ThreadPool& pool);

/// For each row and group the factor in {1, 0.95, ..., 0.55} by which to narrow the grid so that the group's own share of the output has
/// the least error (auto_clip.py of the same repository). `gram` belongs to the inputs `weights` meet.
std::vector<float> searchClip(const FloatMatrix& weights, const FloatMatrix& gram, const GridShape& shape, ThreadPool& pool);

}  // namespace ts
