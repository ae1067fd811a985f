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
  bool begun = false;                             ///< its row says so
  int timings = 0;                                ///< taken so far
  double leastNoise = 0;                          ///< of those
  bool elsewhere = false;                         ///< another program runs it
  double fraction = 0;                            ///< of the stage it is in
  std::chrono::steady_clock::time_point since{};  ///< when its scoring began
  std::map<std::string, double> metrics;          ///< what a search looks at
  std::vector<SampleRecord> known;                ///< samples of an interrupted attempt

  const std::vector<StrategySpec>& recipe() const { return planned.plan.weights; }
  /// For estimates, what decides how long it is scored and timed: "plain", "kv h2o", "kv q8 speculative".
  std::string kind(bool timed) const {
    std::string text = planned.plan.kv.empty() ? "plain" : "kv";
    for (const StrategySpec& spec : planned.plan.kv) text += " " + spec.id;
    if (timed && planned.plan.decode) text += " " + planned.plan.decode->id;
    return text;
  }
};

/// Batches in the order they run: the dense baseline alone, which is the first to tell how long things take, then
/// recipes shuffled with the seed, plans of one recipe together.
std::vector<std::vector<Job*>> batchesOf(const std::vector<Job*>& jobs, std::size_t size, std::uint64_t seed);

}  // namespace ts
