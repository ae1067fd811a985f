// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "experiments/analysis/front.h"

namespace ts {

/// p values corrected for their number, in the same order: Holm's step-down procedure (Holm 1979), which holds the chance of
/// even one false "real" at the level, whatever the tests have in common.
std::vector<double> holm(const std::vector<double>& p);

/// One comparison that reading a front invites.
struct FrontTest {
  std::int64_t a = 0, b = 0;  ///< runs; b against a
  std::string metric;
  bool withBaseline = false;  ///< a is the dense baseline; else a and b are neighbours on the front
  double difference = 0;
  double p = 1, corrected = 1;
  std::string method;  ///< "paired bootstrap", "McNemar (exact)", "independent" ...
};

/// Which steps of a front are real. The tests of both axes, of every pair of neighbours and of every plan of the front
/// against the baseline are one family; sizes in bytes are exact and not tested.
struct FrontReading {
  std::vector<FrontTest> tests;
  std::string method;                  ///< "Holm's correction over 14 comparisons"; empty: nothing to test
  std::vector<std::string> sentences;  ///< the steps between neighbours that may be chance; and what of the baseline may be
};
using SamplesOf = std::function<std::vector<SampleRecord>(std::int64_t run)>;
FrontReading readFront(const Front& front, const std::vector<RunRecord>& runs, const std::string& x, const std::string& y,
                       const SamplesOf& samples);

/// Why these runs do not belong on one front as they are (other machines, data, engines ...); empty: they do. Only what is
/// done counts.
std::vector<std::string> notComparable(const std::vector<RunRecord>& runs);

/// Which of these runs were timed while the machine was noisy, where an axis is a time or a speed; empty: none.
std::string noisyAmong(const std::vector<RunRecord>& runs, const std::string& x, const std::string& y);

/// A run of no strategy at all.
bool isBaseline(const RunRecord& run);

}  // namespace ts
