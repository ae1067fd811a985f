// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/core/machine_lock.h"
#include "experiments/schedule/stage_times.h"
#include "experiments/schedule/job.h"
#include "experiments/schedule/prepared_models.h"
#include "experiments/schedule/run_record.h"
#include "experiments/schedule/runner.h"
#include "experiments/schedule/scheduler.h"
#include "experiments/schedule/writer.h"
#include "experiments/search/plan_source.h"

namespace ts {

/// One thread, `coordinator`, walks through the sweep; quality jobs run on a pool that it waits for before it times
/// anything itself.
struct Scheduler::Impl {
  using Clock = std::chrono::steady_clock;

  Sweep sweep;
  Options options;
  SchedulerListener listener;
  std::unique_ptr<Runner> runner;
  std::unique_ptr<Writer> writer;
  int workers = 1, cores = 1;

  mutable std::mutex mutex;  ///< guards everything from here to `failure`, and the jobs' state and fraction
  std::condition_variable_any changed;
  std::deque<Job> jobs;
  SweepProgress counts;
  StageTimes estimate;
  std::string extra;  ///< what runs that is no job
  int waitingToWork = 0, waitingToMeasure = 0;  ///< threads that another program keeps waiting
  std::int64_t expectedPlans = 0;
  bool paused = false, finished = false;
  Clock::time_point started = Clock::now(), pausedSince{};
  double pausedSeconds = 0;
  mutable double shownFraction = 0;
  std::optional<Error> failure;

  std::mutex telling;  ///< one listener call at a time
  Clock::time_point lastTold{};

  std::stop_source stop;
  std::unique_ptr<PreparedModels> models;
  HostRecord host;
  ModelRecord model;
  std::int64_t sweepId = 0;
  Identity identity;
  KnownResults results;
  std::jthread coordinator;

  // scheduler.cpp: the walk
  void run();
  Result<void> work();
  Result<std::vector<Job*>> enroll(const std::vector<PlannedRun>& plans);
  Result<Job*> enrollOne(const PlannedRun& planned);
  void runBatch(const std::vector<Job*>& batch);
  void timeNoisyOnceMore(const std::vector<Job*>& jobs);
  Result<void> awaitElsewhere(const std::vector<Job*>& all);
  void endWhatIsLeft();
  void repeatBaseline();

  // stages.cpp: one job
  void measureQuality(Job& job, int threads);
  void measureLatency(Job& job);
  Result<PreparedModel> prepared(Job& job, int threads);
  /// `hold`: given back while the sweep is paused or somebody else measures; null: not to be interrupted.
  EvaluationHooks hooksFor(Job& job, MachineHold* hold, double& waited);
  Result<MachineHold> holdFor(MachineUse use, const std::stop_token& stop);
  std::function<void(bool)> tellsWaiting(MachineUse use);
  Result<bool> begin(Job& job);  ///< false: another program has it
  void settle(Job& job, const RunRecord& row);
  void end(Job& job, const Error* error);  ///< whichever way it went; null: well
  bool close(Job& job, const Error* error);
  void tellEnd(Job& job, const Error* error);
  bool enter(Job& job, Job::State state);

  // progress.cpp: what is told
  SweepProgress snapshot() const;  ///< with `mutex` held
  double secondsLeft() const;      ///< with `mutex` held
  std::string current() const;     ///< with `mutex` held
  void tellProgress(bool now);
  void tellRun(std::int64_t run);
  void log(const std::string& line);
  void abort(const Error& error);

  /// Writes through the one writer; a failure ends the sweep.
  template <class Work>
  auto store(Work&& work) {
    auto result = writer->call(std::forward<Work>(work));
    if (!result) abort(result.error());
    return result;
  }
};

}  // namespace ts
