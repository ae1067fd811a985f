// SPDX-License-Identifier: GPL-3.0-or-later
// Scheduler: what is told about a sweep while it runs.
#include <algorithm>
#include <set>

#include "experiments/analysis/label.h"
#include "experiments/schedule/scheduler_impl.h"
#include "experiments/spec/chain.h"

namespace ts {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

constexpr auto kTellEvery = std::chrono::milliseconds(50);

}  // namespace

std::string Scheduler::Impl::current() const {
  if (waitingToMeasure > 0) return waitingText(MachineUse::Measure);
  if (waitingToWork > 0) return waitingText(MachineUse::Work);
  const Job* shown = nullptr;
  int more = -1;
  for (const Job& job : jobs) {
    if (job.state != Job::State::Quality && job.state != Job::State::Latency) continue;
    if (!shown) shown = &job;
    ++more;
  }
  if (!shown) return extra;
  return (shown->state == Job::State::Quality ? "quality  " : "latency  ") + shortName(shown->record) +
         (more > 0 ? "  and " + std::to_string(more) + " more" : "");
}

double Scheduler::Impl::secondsLeft() const {
  const Clock::time_point now = Clock::now();
  // What the plans in hand foretell of their kind counts until one has ended.
  StageTimes soon = estimate;
  for (const Job& job : jobs)
    if (job.state == Job::State::Quality && job.fraction > 0.1 && !paused)
      soon.measured(Stage::Quality, job.kind(false), seconds(now - job.since) / job.fraction);
  double onWorkers = 0, alone = 0;
  std::set<std::string> recipes;
  bool any = false;
  for (const Job& job : jobs) {
    if (job.state == Job::State::Ended) continue;
    any = true;
    const bool inQuality = job.state == Job::State::Quality, inLatency = job.state == Job::State::Latency;
    if (job.wantsQuality)
      onWorkers += soon.expected(Stage::Quality, job.kind(false)) * (inQuality ? 1 - job.fraction : 1);
    if (job.wantsLatency) alone += soon.expected(Stage::Latency, job.kind(true)) * (inLatency ? 1 - job.fraction : 1);
    if (job.state == Job::State::Queued && !job.recipe().empty()) recipes.insert(chainText(job.recipe()));
  }
  onWorkers += soon.expected(Stage::Prepare, "") * static_cast<double>(recipes.size());
  if (const auto unknown = static_cast<double>(expectedPlans - static_cast<std::int64_t>(jobs.size())); unknown > 0) {
    any = true;
    onWorkers += unknown * soon.expected(Stage::Quality, "");
    alone += unknown * soon.expected(Stage::Latency, "");
  }
  if (!any) return 0;
  if ((sweep.quality && !soon.known(Stage::Quality)) || (sweep.latency && !soon.known(Stage::Latency))) return -1;
  return onWorkers / workers + alone;
}

SweepProgress Scheduler::Impl::snapshot() const {
  SweepProgress progress = counts;
  progress.plans = std::max(expectedPlans, static_cast<std::int64_t>(jobs.size()));
  progress.current = current();
  progress.paused = paused;
  const Clock::time_point now = Clock::now();
  progress.secondsElapsed =
      seconds(now - started) - pausedSeconds - (paused && !finished ? seconds(now - pausedSince) : 0);
  progress.secondsLeft = finished ? 0 : secondsLeft();
  double fraction = 0;
  if (finished)
    fraction = failure || stop.stop_requested() ? shownFraction : 1;
  else if (progress.secondsLeft >= 0 && progress.secondsElapsed + progress.secondsLeft > 0)
    fraction = progress.secondsElapsed / (progress.secondsElapsed + progress.secondsLeft);
  else if (progress.plans > 0)
    fraction = static_cast<double>(counts.done + counts.reused + counts.refused + counts.failed + counts.cancelled) /
               static_cast<double>(progress.plans);
  shownFraction = std::clamp(std::max(shownFraction, fraction), 0.0, 1.0);  // a bar that goes back says nothing
  progress.fraction = shownFraction;
  return progress;
}

void Scheduler::Impl::tellProgress(bool now) {
  const std::lock_guard serial(telling);
  const Clock::time_point time = Clock::now();
  if (!now && time - lastTold < kTellEvery) return;
  lastTold = time;
  SweepProgress progress;
  {
    const std::lock_guard lock(mutex);
    progress = snapshot();
  }
  if (listener.progress) listener.progress(progress);
}

void Scheduler::Impl::tellRun(std::int64_t run) {
  const std::lock_guard serial(telling);
  if (listener.runChanged) listener.runChanged(run);
}

void Scheduler::Impl::log(const std::string& line) {
  const std::lock_guard serial(telling);
  if (listener.log) listener.log(line);
}

void Scheduler::Impl::abort(const Error& error) {
  {
    const std::lock_guard lock(mutex);
    if (failure) return;
    failure = error;
  }
  stop.request_stop();
}

}  // namespace ts
