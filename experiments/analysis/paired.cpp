// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/paired.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <numeric>
#include <random>

namespace ts {
namespace {

namespace bm = boost::math;

constexpr double kNormal95 = 1.959963984540054;

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

Estimate withStudent(double value, double error, double degrees) {
  Estimate e{.value = value, .stderr_ = error};
  if (!(error > 0)) {  // every item differs by the same amount: all that is known is that they agree on the sign
    e.low = e.high = value;
    e.p = value == 0 ? 1 : std::exp2(-degrees);
    return e;
  }
  const bm::students_t_distribution<double> t(degrees);
  const double reach = bm::quantile(t, 0.975) * error;
  e.low = value - reach;
  e.high = value + reach;
  e.p = 2 * bm::cdf(bm::complement(t, std::abs(value / error)));
  return e;
}

}  // namespace

Estimate mcnemar(std::int64_t onlyA, std::int64_t onlyB, std::int64_t n) {
  assert(n > 0);
  const double count = static_cast<double>(n), discordant = static_cast<double>(onlyA + onlyB),
               gain = static_cast<double>(onlyB - onlyA);
  Estimate e{.value = gain / count, .stderr_ = std::sqrt(std::max(0.0, discordant - gain * gain / count)) / count};
  // Bonett and Price 2012: one more discordant item of each kind. Where all agree, Wald's interval would be no wider than 0.
  const double more = count + 2, share = (discordant + 2) / more, middle = gain / more;
  const double reach = kNormal95 * std::sqrt((share - middle * middle) / more);
  e.low = std::max(-1.0, middle - reach);
  e.high = std::min(1.0, middle + reach);
  if (discordant > 0)
    e.p = std::min(1.0, 2 * bm::cdf(bm::binomial_distribution<double>(discordant, 0.5),
                                    static_cast<double>(std::min(onlyA, onlyB))));
  return e;
}

Estimate pairedT(const std::vector<double>& differences) {
  return pairedRatio(differences, std::vector<double>(differences.size(), 1.0));
}

Estimate pairedRatio(const std::vector<double>& differences, const std::vector<double>& weights) {
  assert(differences.size() >= 2 && differences.size() == weights.size());
  const double n = static_cast<double>(differences.size()), total = sum(weights), ratio = sum(differences) / total;
  double squares = 0;
  for (std::size_t i = 0; i < differences.size(); ++i) {
    const double residual = (differences[i] - ratio * weights[i]) * n / total;
    squares += residual * residual;
  }
  return withStudent(ratio, std::sqrt(squares / (n * (n - 1))), n - 1);
}

Estimate pairedBootstrap(const std::vector<double>& differences, const std::vector<double>& weights, int draws) {
  assert(!differences.empty() && differences.size() == weights.size());
  std::mt19937_64 random(20240229);
  std::uniform_int_distribution<std::size_t> pick(0, differences.size() - 1);
  std::vector<double> drawn(static_cast<std::size_t>(draws));
  for (double& value : drawn) {
    double difference = 0, weight = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      const std::size_t item = pick(random);
      difference += differences[item];
      weight += weights[item];
    }
    value = difference / weight;
  }
  std::ranges::sort(drawn);
  const double mean = sum(drawn) / draws;
  double squares = 0;
  for (const double value : drawn) squares += (value - mean) * (value - mean);
  const auto notAbove = static_cast<double>(std::ranges::upper_bound(drawn, 0.0) - drawn.begin());
  const auto notBelow = static_cast<double>(drawn.end() - std::ranges::lower_bound(drawn, 0.0));
  const auto at = [&](double quantile) { return drawn[static_cast<std::size_t>(quantile * (draws - 1) + 0.5)]; };
  return {.value = sum(differences) / sum(weights),
          .stderr_ = std::sqrt(squares / (draws - 1)),
          .low = at(0.025),
          .high = at(0.975),
          .p = std::min(1.0, 2 * (std::min(notAbove, notBelow) + 1) / (draws + 1))};
}

Estimate independent(double a, double errorA, double b, double errorB) {
  Estimate e{.value = b - a, .stderr_ = std::hypot(errorA, errorB)};
  e.low = e.value - kNormal95 * e.stderr_;
  e.high = e.value + kNormal95 * e.stderr_;
  if (e.stderr_ > 0)
    e.p = 2 * bm::cdf(bm::complement(bm::normal_distribution<double>(), std::abs(e.value / e.stderr_)));
  else
    e.p = e.value == 0 ? 1 : 0;
  return e;
}

}  // namespace ts
