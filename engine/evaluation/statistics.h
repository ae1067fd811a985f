// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/evaluation/evaluate.h"

namespace ts {

/// Sums for a mean and its standard error.
class Moments {
 public:
  void add(double x) { add(x, x * x, 1); }
  void add(double sum, double squares, std::int64_t n) { sum_ += sum, squares_ += squares, n_ += n; }
  std::int64_t count() const { return n_; }
  double mean() const { return n_ > 0 ? sum_ / static_cast<double>(n_) : 0; }
  double squareMean() const { return n_ > 0 ? squares_ / static_cast<double>(n_) : 0; }
  /// Of the mean: sqrt((E[x^2] - E[x]^2) / (n - 1)); 0 for less than two values. For shares this is sqrt(p(1-p)/(n-1)).
  double standardError() const;

 private:
  double sum_ = 0, squares_ = 0;
  std::int64_t n_ = 0;
};

/// The error of a share that decides when a run may stop: the standard deviation of the posterior under a flat prior
/// (Beta(1 + n p, 1 + n - n p)); never 0, not even where all answers are equal.
double shareError(const Moments& share);

/// exp(mean) of negative log-likelihoods with llama.cpp's error, perplexity times the error of the mean.
Metric perplexity(const Moments& nll);

/// The value below which a share q of `sorted` lies, interpolated linearly (llama.cpp's and NumPy's default).
double percentile(std::span<const double> sorted, double q);

/// The median with a 95 % interval from order statistics: the narrowest symmetric pair of ranks that holds the median with
/// at least 95 % probability, by the binomial distribution; the extremes when there are too few values (then the interval's
/// own probability is 1 - 2^(1-n)). `confidence` is the interval's true probability.
BenchResult::Spread spreadOf(std::vector<double> samples);

/// llama.cpp's statistics of `--kl-divergence` over scored positions.
class KlAccumulator {
 public:
  void add(const TokenScore& score);
  KlStatistics finish() const;
  std::int64_t count() const { return static_cast<std::int64_t>(divergences_.size()); }

 private:
  std::vector<double> divergences_, deltas_;
  Moments divergence_, same_, delta_, squaredDelta_, difference_, nll_, denseNll_;
  double product_ = 0;  // sum of nll * denseNll
};

}  // namespace ts
