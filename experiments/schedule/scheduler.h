// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "engine/core/result.h"
#include "experiments/spec/sweep.h"
#include "experiments/store/records.h"

namespace ts {

struct SweepProgress {
  std::int64_t plans = 0, done = 0, reused = 0, refused = 0, failed = 0, cancelled = 0;
  std::string current;  ///< what runs now: "quality  awq:bits=4 + h2o", "latency ..."
  double fraction = 0;  ///< of the whole sweep's estimated work, 0 to 1
  double secondsElapsed = 0;
  double secondsLeft = -1;  ///< from the work measured so far; -1: not known yet
  bool paused = false;
};

/// Told on the scheduler's threads, one call at a time; a desktop queues them to its own. They must not wait for the
/// scheduler.
struct SchedulerListener {
  std::function<void(const SweepProgress&)> progress = [](const SweepProgress&) {};
  std::function<void(std::int64_t run)> runChanged = [](std::int64_t) {};  ///< stored state changed
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

class Runner;

/// Runs a sweep: expands, skips keys already measured, prepares models (shared by recipe prefix), scores quality on
/// `workers` Boost.Asio threads at once, then measures latency alone on the machine, and writes every sample as it
/// ends. Killed, it loses at most the sample in flight; run again, it resumes.
///
/// Plans run in batches in an order shuffled with the sweep's seed, those of one recipe together, the dense baseline
/// first: the quality of a batch on the workers, then its latencies one by one while no worker runs, so that whole rows
/// appear early. At the end the baseline is timed once more; the change is its metric "drift". Failures of a plan are
/// stored with their kind and the other plans go on; when the store cannot be written the sweep ends with that error.
class Scheduler {
 public:
  struct Options {
    std::filesystem::path store;
    int workers = 0;            ///< quality runs at once; 0: one per core
    bool measureAgain = false;  ///< ignore keys already in the store
  };
  /// Opens the store and goes on in the background; the model is opened there, so wait() tells when it cannot be.
  /// `runner`: what does the work instead of the engine (tests).
  static Result<std::unique_ptr<Scheduler>> start(Sweep sweep, Options options, SchedulerListener listener);
  static Result<std::unique_ptr<Scheduler>> start(Sweep sweep, Options options, SchedulerListener listener,
                                                  std::unique_ptr<Runner> runner);
  ~Scheduler();  ///< cancels and waits

  void pause();  ///< quality runs stop after the item in hand, a timing is finished first
  void resume();
  void cancel();  ///< the whole sweep; runs in flight end within 100 ms as `cancelled`
  void cancelRun(std::int64_t run);
  /// Until all plans are done or it was cancelled. Errors: the model, the sweep's space, the store.
  Result<SweepProgress> wait();
  SweepProgress progress() const;
  bool finished() const;

 private:
  struct Impl;
  explicit Scheduler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ts
