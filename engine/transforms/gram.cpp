// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/gram.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace ts {
namespace {

constexpr std::int64_t kTile = 128;  ///< channels of one Gram tile: two panels of 256 rows and the tile fit a core's L2

using RowsView = Eigen::Map<const FloatMatrix, 0, Eigen::OuterStride<>>;

}  // namespace

InputStatistics::InputStatistics(std::int64_t width, bool wantGram)
    : sum_(static_cast<std::size_t>(width)), magnitude_(sum_.size()), mean_(sum_.size()), squares_(sum_.size()) {
  if (wantGram) gram_ = FloatMatrix::Zero(width, width);
}

void InputStatistics::add(ConstRows rows, ThreadPool& pool) {
  assert(rows.width == width());
  if (rows.count == 0) return;
  const double before = static_cast<double>(count_), batch = static_cast<double>(rows.count), after = before + batch;
  pool.split(width(), 16, [&](Range range, int) {
    const std::size_t n = static_cast<std::size_t>(range.size());
    std::vector<double> sum(n), magnitude(n), squares(n);
    for (std::int64_t r = 0; r < rows.count; ++r)
      for (std::size_t c = 0; c < n; ++c) {
        const double x = rows.row(r)[range.begin + static_cast<std::int64_t>(c)];
        sum[c] += x;
        magnitude[c] += std::fabs(x);
      }
    for (std::int64_t r = 0; r < rows.count; ++r)
      for (std::size_t c = 0; c < n; ++c) {
        const double d = rows.row(r)[range.begin + static_cast<std::int64_t>(c)] - sum[c] / batch;
        squares[c] += d * d;
      }
    for (std::size_t c = 0; c < n; ++c) {
      const std::size_t k = static_cast<std::size_t>(range.begin) + c;
      const double delta = sum[c] / batch - mean_[k];
      sum_[k] += sum[c];
      magnitude_[k] += magnitude[c];
      squares_[k] += squares[c] + delta * delta * before * batch / after;  // Chan et al., merging two batches
      mean_[k] += delta * batch / after;
    }
  });
  count_ += rows.count;
  if (gram_.size() == 0) return;

  const RowsView x(rows.data, rows.count, rows.width, Eigen::OuterStride<>(rows.stride));
  const std::int64_t tiles = (width() + kTile - 1) / kTile;
  forEachTask(pool, tiles * (tiles + 1) / 2, [&](std::int64_t task) {
    std::int64_t i = 0;  // task counts the lower triangle row by row
    while (task > i) task -= ++i;
    const std::int64_t j = task;
    const std::int64_t r = i * kTile, c = j * kTile;
    const std::int64_t h = std::min(kTile, width() - r), w = std::min(kTile, width() - c);
    FloatMatrix tile = x.middleCols(r, h).transpose() * x.middleCols(c, w);
    if (i == j)
      for (std::int64_t a = 0; a < h; ++a)
        for (std::int64_t b = a + 1; b < w; ++b) tile(a, b) = tile(b, a);  // the product sums the halves in different orders
    gram_.block(r, c, h, w) += tile;
    if (i != j) gram_.block(c, r, w, h) += tile.transpose();
  });
}

std::vector<float> InputStatistics::mean() const { return {mean_.begin(), mean_.end()}; }

std::vector<float> InputStatistics::meanMagnitude() const {
  std::vector<float> out(magnitude_.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = count_ ? static_cast<float>(magnitude_[i] / static_cast<double>(count_)) : 0.0f;
  return out;
}

std::vector<double> InputStatistics::variance() const {
  std::vector<double> out(squares_);
  for (double& v : out) v = count_ ? v / static_cast<double>(count_) : 0.0;
  return out;
}

double gramNorm(const FloatMatrix& d, const FloatMatrix& gram, ThreadPool& pool) {
  assert(d.cols() == gram.rows());
  constexpr std::int64_t kRows = 32;
  const std::int64_t tasks = (d.rows() + kRows - 1) / kRows;
  std::vector<double> part(static_cast<std::size_t>(tasks));
  forEachTask(pool, tasks, [&](std::int64_t task) {
    const auto rows = d.middleRows(task * kRows, std::min(kRows, d.rows() - task * kRows));
    const FloatMatrix product = rows * gram;
    part[static_cast<std::size_t>(task)] = product.cwiseProduct(rows).cast<double>().sum();
  });
  return std::max(0.0, std::accumulate(part.begin(), part.end(), 0.0));
}

FloatMatrix sampleRows(const FloatMatrix& matrix, std::int64_t count) {
  if (matrix.rows() <= count) return matrix;
  FloatMatrix out(count, matrix.cols());
  for (std::int64_t i = 0; i < count; ++i) out.row(i) = matrix.row(i * matrix.rows() / count);
  return out;
}

}  // namespace ts
