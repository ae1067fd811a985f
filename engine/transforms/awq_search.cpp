// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/awq_search.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace ts {
namespace {

/// ||(Q(W diag s) diag(1/s) - W) X||²
double scaledError(const FloatMatrix& weights, std::span<const float> scale, const FloatMatrix& gram, const GridShape& shape,
                   ThreadPool& pool) {
  FloatMatrix scaled = weights;
  scaleColumns(scaled, scale);
  FloatMatrix difference = roundToNearest(shape, scaled, pool).decode();
  for (std::int64_t k = 0; k < difference.cols(); ++k) difference.col(k) /= scale[static_cast<std::size_t>(k)];
  difference -= weights;
  return gramNorm(difference, gram, pool);
}

}  // namespace

std::vector<float> awqScale(std::span<const float> magnitude, double alpha) {
  std::vector<float> scale(magnitude.size());
  double low = INFINITY, high = 0;
  for (std::size_t k = 0; k < scale.size(); ++k) {
    const double s = std::max(std::pow(static_cast<double>(magnitude[k]), alpha), 1e-4);
    scale[k] = static_cast<float>(s);
    low = std::min(low, s);
    high = std::max(high, s);
  }
  const float middle = static_cast<float>(std::sqrt(low * high));
  for (float& s : scale) s /= middle;
  return scale;
}

void scaleColumns(FloatMatrix& weights, std::span<const float> scale) {
  assert(weights.cols() == static_cast<std::int64_t>(scale.size()));
  weights.array().rowwise() *= Eigen::Map<const Eigen::RowVectorXf>(scale.data(), weights.cols()).array();
}

void unscaleGram(FloatMatrix& gram, std::span<const float> scale) {
  const Eigen::Map<const Eigen::RowVectorXf> s(scale.data(), gram.cols());
  gram.array().rowwise() /= s.array();
  gram.array().colwise() /= s.transpose().array();
}

AwqChoice searchAlpha(std::span<const FloatMatrix* const> matrices, const FloatMatrix& gram, std::span<const float> magnitude,
                      const GridShape& shape, int points, std::int64_t sampledRows, ThreadPool& pool) {
  std::vector<FloatMatrix> samples;
  for (const FloatMatrix* m : matrices) samples.push_back(sampleRows(*m, sampledRows));
  // Each matrix counts with all its rows, however many of them were sampled.
  const auto error = [&](double alpha, bool all) {
    const std::vector<float> scale = awqScale(magnitude, alpha);
    double sum = 0;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const FloatMatrix& m = all ? *matrices[i] : samples[i];
      sum += scaledError(m, scale, gram, shape, pool) * static_cast<double>(matrices[i]->rows()) / static_cast<double>(m.rows());
    }
    return sum;
  };
  double best = 0, bestError = error(0, false);
  for (int i = 1; i < points; ++i) {
    const double alpha = static_cast<double>(i) / points;
    if (const double e = error(alpha, false); e < bestError) {
      best = alpha;
      bestError = e;
    }
  }
  AwqChoice choice;
  choice.plainError = choice.error = error(0, true);
  if (best > 0)
    if (const double e = error(best, true); e < choice.plainError) {
      choice.alpha = best;
      choice.error = e;
    }
  return choice;
}

std::vector<float> searchClip(const FloatMatrix& weights, const FloatMatrix& gram, const GridShape& shape, ThreadPool& pool) {
  constexpr int kSteps = 10;
  constexpr std::int64_t kRows = 32;
  const std::int64_t cols = weights.cols(), groups = shape.groups(cols);
  std::vector<float> factors(static_cast<std::size_t>(weights.rows() * groups), 1.0f);
  forEachTask(pool, (weights.rows() + kRows - 1) / kRows, [&](std::int64_t task) {
    const std::int64_t first = task * kRows, rows = std::min(kRows, weights.rows() - first);
    std::vector<float> least(static_cast<std::size_t>(rows));
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t k = g * shape.group, count = std::min<std::int64_t>(shape.group, cols - k);
      FloatMatrix difference(rows, count);
      for (int step = 0; step < kSteps; ++step) {
        const float clip = 1.0f - 0.05f * static_cast<float>(step);
        for (std::int64_t r = 0; r < rows; ++r) {
          const float* w = weights.row(first + r).data() + k;
          const Grid grid = fitGrid(shape, w, count, 1, clip);
          for (std::int64_t i = 0; i < count; ++i) difference(r, i) = grid.value(encode(shape, grid, w[i])) - w[i];
        }
        const FloatMatrix product = difference * gram.block(k, k, count, count);
        for (std::int64_t r = 0; r < rows; ++r) {
          const float error = product.row(r).dot(difference.row(r));
          float& best = least[static_cast<std::size_t>(r)];
          if (step == 0 || error < best) {
            best = error;
            factors[static_cast<std::size_t>((first + r) * groups + g)] = clip;
          }
        }
      }
    }
  });
  return factors;
}

}  // namespace ts
