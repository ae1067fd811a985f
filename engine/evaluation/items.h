// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/evaluation/task.h"

namespace ts {

/// How a task scores its items, one by one.
struct ItemWalk {
  std::vector<std::int64_t> items;  ///< their indices in the data, in the order of scoring
  /// Whether the sample of an interrupted attempt has all that a fresh one would have.
  std::function<bool(const Sample&)> whole;
  /// Scores items[place]; the sample's number is filled in by the walk.
  std::function<Result<Sample>(std::size_t place)> score;
  /// Adds a sample to the task's sums, fresh or not, in the order of `items`; gives the error of the first metric so far that
  /// options.untilStderr is held against.
  std::function<double(const Sample&)> take;
};

/// Scores what no interrupted attempt has scored, tells the hooks, stops early when the error is small enough, and leaves
/// samples, counts of skipped items and what engaged in run.result. Since fresh and known samples go the same way, a run that
/// was taken up gives the same numbers as one that was not interrupted. An error: no item at all (the reason of the first
/// skipped one).
Result<void> scoreItems(TaskRun& run, const ItemWalk& walk);

/// What strategies did, over several sessions or items: counts and times are added up; levels (sizes of the cache, rates,
/// scores of a search) are averaged, tokens_per_step by the steps it is a rate of.
class EngagedTotals {
 public:
  void add(const std::map<std::string, double>& engaged);
  std::map<std::string, double> finish() const;

 private:
  struct Sum {
    double total = 0, weight = 0;
  };
  std::map<std::string, Sum> sums_;
};

/// Into a sample as "engaged.NAME", and out of it.
void putEngaged(Sample& sample, const std::map<std::string, double>& engaged);
std::map<std::string, double> engagedOf(const Sample& sample);

/// The sample's "dense.NAME" values under their own names.
Sample denseOf(const Sample& sample);
void putDense(Sample& sample, const std::map<std::string, double>& values);

}  // namespace ts
