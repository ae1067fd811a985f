// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <random>

#include "engine/transforms/gram.h"

namespace ts {

/// Rows with the character of a transformer's activations: neighbouring channels correlate, a few channels are large.
inline FloatMatrix correlatedInputs(std::int64_t count, std::int64_t width, unsigned seed = 7) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  const std::int64_t hidden = width / 3 + 1;
  FloatMatrix mix(hidden, width), latent(count, hidden);
  for (float& v : mix.reshaped()) v = normal(random);
  for (float& v : latent.reshaped()) v = normal(random);
  FloatMatrix x = latent * mix / std::sqrt(static_cast<float>(hidden));
  for (std::int64_t k = 0; k < width; ++k) {
    const float size = k % 13 == 5 ? 8.0f : std::exp(0.6f * normal(random));
    const float shift = 0.5f * normal(random);
    for (std::int64_t r = 0; r < count; ++r) x(r, k) = size * (x(r, k) + 0.2f * normal(random) + shift);
  }
  return x;
}

inline FloatMatrix randomWeights(std::int64_t rows, std::int64_t cols, unsigned seed = 11) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.05f);
  FloatMatrix w(rows, cols);
  for (float& v : w.reshaped()) v = normal(random);
  return w;
}

inline ConstRows rowsOf(const FloatMatrix& x) { return {x.data(), x.rows(), x.cols(), x.outerStride()}; }

inline InputStatistics statisticsOf(const FloatMatrix& x, ThreadPool& pool, bool wantGram = true) {
  InputStatistics statistics(x.cols(), wantGram);
  statistics.add(rowsOf(x), pool);
  return statistics;
}

/// ||(W - V) Xᵀ||² / ||W Xᵀ||²
inline double outputError(const FloatMatrix& w, const FloatMatrix& v, const FloatMatrix& x) {
  return ((w - v) * x.transpose()).cast<double>().squaredNorm() / (w * x.transpose()).cast<double>().squaredNorm();
}

}  // namespace ts
