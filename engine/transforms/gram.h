// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/core/thread_pool.h"
#include "engine/transforms/linalg.h"

namespace ts {

/// What calibration rows x_1 ... x_n (K floats each) say about the input of a linear map. Sums run in the order of the rows
/// and do not depend on the number of threads.
class InputStatistics {
 public:
  /// `wantGram`: also keep sum x xᵀ, K * K floats; without it only means per channel.
  InputStatistics(std::int64_t width, bool wantGram);

  void add(ConstRows rows, ThreadPool& pool);

  std::int64_t width() const { return static_cast<std::int64_t>(sum_.size()); }
  std::int64_t count() const { return count_; }
  const FloatMatrix& gram() const { return gram_; }  ///< sum x xᵀ, symmetric; empty unless asked for
  std::vector<float> mean() const;          ///< of each channel
  std::vector<float> meanMagnitude() const; ///< of |x|
  std::vector<double> variance() const;     ///< population variance of each channel

 private:
  std::int64_t count_ = 0;
  FloatMatrix gram_;
  std::vector<double> sum_, magnitude_;
  std::vector<double> mean_, squares_;  ///< Welford over batches: running mean and sum of squared deviations
};

/// sum over the given rows r of D[r] G D[r]ᵀ: the squared error ||D X||² of a weight change D on inputs with Gram matrix G.
double gramNorm(const FloatMatrix& d, const FloatMatrix& gram, ThreadPool& pool);

/// `count` evenly spaced rows of a matrix (all, if it has no more), for estimates.
FloatMatrix sampleRows(const FloatMatrix& matrix, std::int64_t count);

}  // namespace ts
