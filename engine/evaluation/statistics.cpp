// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/statistics.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cassert>
#include <cmath>

namespace ts {

double Moments::standardError() const {
  if (n_ < 2) return 0;
  const double variance = std::max(0.0, squareMean() - mean() * mean());
  return std::sqrt(variance / static_cast<double>(n_ - 1));
}

double shareError(const Moments& share) {
  const double n = static_cast<double>(share.count()), p = (1 + n * share.mean()) / (2 + n);
  return std::sqrt(p * (1 - p) / (3 + n));
}

Metric perplexity(const Moments& nll) {
  const double value = std::exp(nll.mean());
  return {value, value * nll.standardError(), nll.count()};
}

double percentile(std::span<const double> sorted, double q) {
  if (sorted.empty()) return 0;
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - static_cast<double>(low));
}

BenchResult::Spread spreadOf(std::vector<double> samples) {
  BenchResult::Spread spread;
  spread.samples = samples;
  if (samples.empty()) return spread;
  std::sort(samples.begin(), samples.end());
  const auto n = samples.size();
  spread.median = percentile(samples, 0.5);
  const boost::math::binomial_distribution<double> below(static_cast<double>(n), 0.5);
  // The median lies below the k-th smallest with probability P(B <= k - 1): at most 2.5 % on each side.
  std::size_t k = 1;
  while (2 * (k + 1) <= n + 1 && boost::math::cdf(below, static_cast<double>(k)) <= 0.025) ++k;
  spread.low = samples[k - 1];
  spread.high = samples[n - k];
  spread.confidence = std::max(0.0, 1 - 2 * boost::math::cdf(below, static_cast<double>(k - 1)));
  return spread;
}

namespace {

KlStatistics::Quantiles quantilesOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  KlStatistics::Quantiles out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = percentile(values, KlStatistics::kQuantiles[i]);
  return out;
}

}  // namespace

double KlStatistics::at(const Quantiles& quantiles, double q) {
  const auto place = std::find(kQuantiles.begin(), kQuantiles.end(), q);
  assert(place != kQuantiles.end());
  return quantiles[static_cast<std::size_t>(place - kQuantiles.begin())];
}

void KlAccumulator::add(const TokenScore& score) {
  divergences_.push_back(score.kl);
  divergence_.add(score.kl);
  same_.add(score.sameTop ? 1 : 0);
  const double delta = std::exp(-score.nll) - std::exp(-score.denseNll);
  deltas_.push_back(delta);
  delta_.add(delta);
  squaredDelta_.add(delta * delta);
  difference_.add(score.nll - score.denseNll);
  nll_.add(score.nll);
  denseNll_.add(score.denseNll);
  product_ += score.nll * score.denseNll;
}

KlStatistics KlAccumulator::finish() const {
  KlStatistics s;
  s.n = count();
  if (s.n == 0) return s;
  s.divergence = quantilesOf(divergences_);
  s.mean = divergence_.mean();
  s.meanStderr = divergence_.standardError();
  s.sameTop = same_.mean();
  s.sameTopStderr = same_.standardError();
  s.meanDeltaP = delta_.mean();
  s.meanDeltaPStderr = delta_.standardError();
  s.rmsDeltaP = std::sqrt(delta_.squareMean());
  if (s.rmsDeltaP > 0) s.rmsDeltaPStderr = squaredDelta_.standardError() / (2 * s.rmsDeltaP);  // delta method on the root
  s.deltaP = quantilesOf(deltas_);
  s.logPerplexityRatio = difference_.mean();
  s.logPerplexityRatioStderr = difference_.standardError();
  s.perplexity = ts::perplexity(nll_);
  s.densePerplexity = ts::perplexity(denseNll_);
  const double n = static_cast<double>(s.n);
  const double covariance = product_ / n - nll_.mean() * denseNll_.mean();
  const double spread = std::sqrt(std::max(0.0, nll_.squareMean() - nll_.mean() * nll_.mean()) *
                                  std::max(0.0, denseNll_.squareMean() - denseNll_.mean() * denseNll_.mean()));
  s.correlation = spread > 0 ? covariance / spread : 1;
  return s;
}

}  // namespace ts
