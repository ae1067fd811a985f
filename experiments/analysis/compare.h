// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/store/records.h"

namespace ts {

struct SettingDifference {
  std::string name;  ///< "weights.q4.group", "task.context" ...
  std::string a, b;  ///< empty: not set
};

/// One metric of two runs, B minus A.
struct MetricDifference {
  std::string metric;
  double a = 0, b = 0, difference = 0;
  std::optional<double> stderr_;    ///< of the difference
  std::optional<double> low, high;  ///< its 95 % interval
  std::optional<double> p;          ///< two-sided, of no difference
  std::int64_t n = 0;               ///< items that both runs scored; 0: not compared item by item
  std::string method;  ///< "McNemar (exact)", "paired t", "paired bootstrap", "independent", "exact", "no error known"
  bool better = false, worse = false;  ///< B, by the metric's direction; neither when equal
  std::string sentence;                ///< "B loses 0.8 ± 0.3 points of accuracy; real at 99 %"
};

struct Comparison {
  std::vector<SettingDifference> differs;
  std::vector<MetricDifference> metrics;  ///< those that both runs have
  std::vector<std::string> warnings;      ///< why the two may not be comparable: another machine, data, engine ...
};

/// "0.4 to 1.2 %": the 95 % interval of the difference; "–" where there is none.
std::string intervalText(const MetricDifference& difference);
/// The sentence with its interval, the test and how many items it is made of.
std::string answerText(const MetricDifference& difference);
/// The metric that the task itself is about; null where the comparison lacks it.
const MetricDifference* mainMetric(const std::string& task, const Comparison& comparison);

/// Whether equal item numbers of the two runs are the same items: the same task, data and context; where a task makes its
/// items itself, the same seed and number of them as well.
bool sameItems(const RunRecord& a, const RunRecord& b);

/// Compares run B with run A (the baseline), item by item where both have samples of the same items (compare_items.h tells
/// which test a metric gets). Metrics without samples: by their standard errors as if independent. Sizes in bytes are exact.
Comparison compareRuns(const RunRecord& a, const RunRecord& b, const std::vector<SampleRecord>& samplesA,
                       const std::vector<SampleRecord>& samplesB);

}  // namespace ts
