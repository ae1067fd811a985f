// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/gptq_solver.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace ts {
namespace {

constexpr std::int64_t kBlock = 128;     ///< columns whose errors reach the rest in one product
constexpr std::int64_t kPanelRows = 64;  ///< rows worked on at a time: K x 64 floats stay in L2

/// Rounds rows [first, first + count) of `weights`. The panel is kept transposed, so a column of W is contiguous.
void roundPanel(const GptqFactor& factor, bool fitAhead, const FloatMatrix& weights, std::int64_t first, std::int64_t count,
                Quantized& result) {
  const std::int64_t cols = weights.cols();
  const GridShape& shape = result.shape;
  FloatMatrix panel(cols, count);
  for (std::int64_t i = 0; i < cols; ++i) {
    const std::int64_t k = factor.order[static_cast<std::size_t>(i)];
    if (factor.dead[static_cast<std::size_t>(k)]) panel.row(i).setZero();
    else panel.row(i) = weights.block(first, k, count, 1).transpose();
  }
  if (fitAhead)
    for (std::int64_t r = 0; r < count; ++r) {
      FloatMatrix row = weights.row(first + r);
      for (std::int64_t k = 0; k < cols; ++k)
        if (factor.dead[static_cast<std::size_t>(k)]) row(0, k) = 0;  // nothing reads it: it must not widen its group's grid
      for (std::int64_t k = 0; k < cols; k += shape.group)
        result.grid(first + r, k) = fitGrid(shape, row.data() + k, std::min<std::int64_t>(shape.group, cols - k));
    }

  // A group must not cross a block's end, or its grid would be fitted to columns that lack the block's pending updates.
  const std::int64_t block = fitAhead ? kBlock : shape.group * std::max<std::int64_t>(1, kBlock / shape.group);
  FloatMatrix errors(std::min(block, cols), count);
  for (std::int64_t begin = 0; begin < cols; begin += block) {
    const std::int64_t end = std::min(begin + block, cols);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t k = factor.order[static_cast<std::size_t>(i)];
      if (!fitAhead && k % shape.group == 0)
        for (std::int64_t r = 0; r < count; ++r)
          result.grid(first + r, k) =
              fitGrid(shape, &panel(i, r), std::min<std::int64_t>(shape.group, cols - k), panel.outerStride());
      const float pivot = factor.inverse(i, i);
      float* error = errors.row(i - begin).data();
      const float* column = panel.row(i).data();
      for (std::int64_t r = 0; r < count; ++r) {
        const Grid grid = result.grid(first + r, k);
        const int code = encode(shape, grid, column[r]);
        result.codes[static_cast<std::size_t>((first + r) * cols + k)] = static_cast<std::uint8_t>(code);
        error[r] = (column[r] - grid.value(code)) / pivot;
      }
      for (std::int64_t j = i + 1; j < end; ++j) {
        const float factorIj = factor.inverse(i, j);
        float* later = panel.row(j).data();
        for (std::int64_t r = 0; r < count; ++r) later[r] -= error[r] * factorIj;
      }
    }
    if (end < cols)
      panel.bottomRows(cols - end).noalias() -=
          factor.inverse.block(begin, end, end - begin, cols - end).transpose() * errors.topRows(end - begin);
  }
}

}  // namespace

Result<GptqFactor> gptqFactor(const FloatMatrix& gram, bool actOrder, double damp) {
  const std::int64_t n = gram.rows();
  GptqFactor factor;
  factor.order.resize(static_cast<std::size_t>(n));
  std::iota(factor.order.begin(), factor.order.end(), 0);
  factor.dead.resize(static_cast<std::size_t>(n));
  double trace = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    factor.dead[static_cast<std::size_t>(k)] = gram(k, k) == 0.0f;
    trace += gram(k, k);
  }
  if (!std::isfinite(trace)) return fail(ErrorKind::Internal, "calibration met activations that are not finite numbers", "gptq");
  if (actOrder)
    std::stable_sort(factor.order.begin(), factor.order.end(), [&](std::int32_t a, std::int32_t b) { return gram(a, a) > gram(b, b); });

  // (H)^-1 = Uᵀ U with U upper triangular comes from the factorization H = R Rᵀ with R upper triangular (Cholesky from the
  // last column backwards, done here by reversing rows and columns): U = R^-1. No explicit inverse of H is formed.
  const double mean = trace > 0 ? trace / static_cast<double>(n) : 1.0;
  for (double ridge = std::max(damp, 1e-8); ridge <= 100.0; ridge *= 10) {
    Eigen::MatrixXd reversed(n, n);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        reversed(n - 1 - i, n - 1 - j) = gram(factor.order[static_cast<std::size_t>(i)], factor.order[static_cast<std::size_t>(j)]);
    for (std::int64_t i = 0; i < n; ++i) {
      double& diagonal = reversed(n - 1 - i, n - 1 - i);
      if (factor.dead[static_cast<std::size_t>(factor.order[static_cast<std::size_t>(i)])]) diagonal = mean;
      diagonal += ridge * mean;
    }
    Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> cholesky(reversed);
    if (cholesky.info() != Eigen::Success) continue;
    Eigen::MatrixXd inverse = Eigen::MatrixXd::Identity(n, n);
    cholesky.matrixL().solveInPlace(inverse);
    if (!inverse.allFinite()) continue;
    factor.inverse.resize(n, n);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        factor.inverse(i, j) = j < i ? 0.0f : static_cast<float>(inverse(n - 1 - i, n - 1 - j));
    return factor;
  }
  return fail(ErrorKind::Internal, "the calibration inputs' second moments could not be factorized", "gptq");
}

Quantized gptqRound(const GptqFactor& factor, const GridShape& shape, bool actOrder, const FloatMatrix& weights, ThreadPool& pool) {
  Quantized result(shape, weights.rows(), weights.cols());
  forEachTask(pool, (weights.rows() + kPanelRows - 1) / kPanelRows, [&](std::int64_t task) {
    const std::int64_t first = task * kPanelRows;
    roundPanel(factor, actOrder, weights, first, std::min(kPanelRows, weights.rows() - first), result);
  });
  return result;
}

}  // namespace ts
