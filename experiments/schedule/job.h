// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/spec/sweep.h"
#include "experiments/store/records.h"

namespace ts {

/// One plan of a sweep on its way through the stages.
struct Job {
  enum class State { Queued, Quality, BetweenStages, Latency, Ended };

  PlannedRun planned;
  RunRecord record;  ///< its row; metrics only of what was measured before
  std::stop_source stop;
  State state = State::Queued;
  bool wantsQuality = true, wantsLatency = true;
  bool begun = false;                     ///< its row says so
  double fraction = 0;                    ///< of the stage it is in
  std::map<std::string, double> metrics;  ///< what a search looks at
  std::vector<SampleRecord> known;        ///< samples of an interrupted attempt

  const std::vector<StrategySpec>& recipe() const { return planned.plan.weights; }
  std::string kind() const {  ///< for estimates: what decides how it is scored
    std::string text;
    for (const StrategySpec& spec : planned.plan.kv) text += spec.id + " ";
    return text;
  }
  std::string latencyKind() const { return kind() + (planned.plan.decode ? planned.plan.decode->id : ""); }
};

/// Batches in the order they run: dense first, then recipes shuffled with the seed, plans of one recipe together.
std::vector<std::vector<Job*>> batchesOf(const std::vector<Job*>& jobs, std::size_t size, std::uint64_t seed);

}  // namespace ts
