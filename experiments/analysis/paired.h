// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace ts {

/// An estimate with its standard error, 95 % interval and two-sided p of "no difference".
struct Estimate {
  double value = 0, stderr_ = 0, low = 0, high = 0, p = 1;
};

/// McNemar's exact test on `onlyA` and `onlyB` of n items that only one of the two got right; value: B's accuracy minus
/// A's; the interval is Bonett and Price's (2012), which is not empty where all items agree.
Estimate mcnemar(std::int64_t onlyA, std::int64_t onlyB, std::int64_t n);

/// Student's t test on the mean of per-item differences. Needs two items. Where all differ by the same amount, p is the sign
/// test's.
Estimate pairedT(const std::vector<double>& differences);

/// sum(differences) / sum(weights), its error by linearization over items, Student's t with n - 1 degrees of freedom.
Estimate pairedRatio(const std::vector<double>& differences, const std::vector<double>& weights);

/// The same ratio with error, interval (percentiles) and p from resampling items `draws` times (fixed seed).
Estimate pairedBootstrap(const std::vector<double>& differences, const std::vector<double>& weights, int draws = 10000);

/// The difference of two independent estimates, normal approximation.
Estimate independent(double a, double errorA, double b, double errorB);

}  // namespace ts
