// SPDX-License-Identifier: GPL-3.0-or-later
// Scheduler: what happens to one plan.
#include <exception>
#include <new>
#include <utility>

#include "experiments/analysis/label.h"
#include "experiments/schedule/guarded.h"
#include "experiments/schedule/run_record.h"
#include "experiments/schedule/scheduler_impl.h"

namespace ts {
namespace {

double secondsSince(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

RunState stateOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::Cancelled:
      return RunState::Cancelled;
    case ErrorKind::Refused:
    case ErrorKind::Unsupported:
      return RunState::Refused;
    default:
      return RunState::Failed;
  }
}

}  // namespace

/// False when the job is not to be touched any more (cancelled while it waited).
bool Scheduler::Impl::enter(Job& job, Job::State state) {
  {
    const std::lock_guard lock(mutex);
    if (job.state == Job::State::Ended) return false;
    job.state = state;
    job.fraction = 0;
  }
  tellProgress(true);
  return true;
}

std::function<void(bool)> Scheduler::Impl::tellsWaiting(MachineUse use) {
  return [this, use](bool waiting) {
    {
      const std::lock_guard lock(mutex);
      (use == MachineUse::Measure ? waitingToMeasure : waitingToWork) += waiting ? 1 : -1;
    }
    tellProgress(true);
  };
}

Result<MachineHold> Scheduler::Impl::holdFor(MachineUse use, const std::stop_token& stop) {
  return holdMachine(use, stop, tellsWaiting(use));
}

EvaluationHooks Scheduler::Impl::hooksFor(Job& job, MachineHold* hold, double& waited) {
  EvaluationHooks hooks;
  hooks.stop = job.stop.get_token();
  hooks.progress = [this, &job, hold, &waited, token = job.stop.get_token()](std::int64_t done, std::int64_t total) {
    bool pausing = false;
    {
      const std::lock_guard lock(mutex);
      job.fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
      pausing = paused;
    }
    tellProgress(false);
    if (!hold || done == total) return;
    const Clock::time_point from = Clock::now();
    if (pausing) {
      hold->release();
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, token, [&] { return !paused; });
      }
      if (auto again = holdFor(MachineUse::Work, token)) *hold = std::move(*again);
    } else {
      giveWay(*hold, token, tellsWaiting(MachineUse::Work));
    }
    waited += secondsSince(from);
  };
  // Waits for the commit: a program killed from here on loses nothing but the next item.
  hooks.sample = [this, run = job.record.id](const Sample& sample) {
    (void)store([&](Store& s) { return s.addSample(run, {sample.item, sample.values, packPositions(sample.positions)}); });
  };
  return hooks;
}

/// Marks the row as running and takes over what an earlier attempt found; once, though a run has two stages.
Result<bool> Scheduler::Impl::begin(Job& job) {
  if (job.begun) return true;
  TS_TRY(const bool mine, store([&](Store& s) { return s.claim(job.record.id); }));
  if (!mine) {
    const std::lock_guard lock(mutex);
    job.elsewhere = true;
    job.state = Job::State::Queued;
    return false;
  }
  job.begun = true;
  TS_TRY(const RunRecord row, store([&](Store& s) { return s.run(job.record.id); }));
  if (row.metrics.contains(kQualitySeconds)) {
    const std::lock_guard lock(mutex);
    job.wantsQuality = false;
    for (const auto& [name, metric] : row.metrics) job.metrics[name] = metric.value;
  } else {
    TS_TRY(job.known, store([&](Store& s) { return s.unfinishedSamples(job.record.id); }));
  }
  tellRun(job.record.id);
  return true;
}

/// A plan that another program measured, failed at or refused.
void Scheduler::Impl::settle(Job& job, const RunRecord& row) {
  {
    const std::lock_guard lock(mutex);
    if (std::exchange(job.state, Job::State::Ended) == Job::State::Ended) return;
    for (const auto& [name, metric] : row.metrics) job.metrics[name] = metric.value;
    ++(row.state == RunState::Done ? counts.reused : row.state == RunState::Refused ? counts.refused : counts.failed);
    if (row.state == RunState::Done) results[job.record.plan] = job.metrics;
  }
  models->release(job.recipe());
  tellRun(row.id);
  tellProgress(true);
}

Result<PreparedModel> Scheduler::Impl::prepared(Job& job, int threads) {
  const Clock::time_point from = Clock::now();
  auto model = models->get(job.recipe(), threads, job.stop.get_token());
  if (model && !job.recipe().empty()) {
    const double took = secondsSince(from);
    const std::lock_guard lock(mutex);
    estimate.measured(Stage::Prepare, "", took);
  }
  return model;
}

void Scheduler::Impl::measureQuality(Job& job, int threads) {
  if (!enter(job, Job::State::Quality)) return;
  const Result<void> outcome = guarded([&]() -> Result<void> {
    const std::stop_token token = job.stop.get_token();
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, token, [&] { return !paused; });
    }
    if (token.stop_requested()) return fail(ErrorKind::Cancelled, "stopped before it began");
    TS_TRY(MachineHold hold, holdFor(MachineUse::Work, token));
    TS_TRY(const bool mine, begin(job));
    if (!mine || !job.wantsQuality) return {};
    const Clock::time_point from = Clock::now();
    TS_TRY(const PreparedModel model, prepared(job, threads));
    const double prepareSeconds = secondsSince(from);

    const Clock::time_point begun = Clock::now();
    {
      const std::lock_guard lock(mutex);
      job.since = begun;
    }
    double waited = 0;
    EvaluationHooks hooks = hooksFor(job, &hold, waited);
    for (const SampleRecord& sample : job.known) hooks.known.push_back({sample.item, sample.values, unpackPositions(sample.positions)});
    TS_TRY(const EvaluationResult result,
           runner->evaluate(model, models->dense(), job.planned.plan, sweep.task, threads, hooks));
    {
      const std::lock_guard lock(mutex);
      if (failure) return tl::unexpected(*failure);  // of a sample
    }

    const double took = secondsSince(begun) - waited;
    Measurements measured = measurementsOf(result);
    measured.metrics[kQualitySeconds] = {.value = took};
    if (!job.recipe().empty()) measured.metrics[kPrepareSeconds] = {.value = prepareSeconds};
    for (const auto& [name, value] : model.report) measured.engaged.emplace(name, value);
    TS_CHECK(store([&](Store& s) { return s.addMeasurements(job.record.id, measured); }));
    const std::lock_guard lock(mutex);
    for (const auto& [name, metric] : measured.metrics) job.metrics[name] = metric.value;
    if (job.known.empty()) estimate.measured(Stage::Quality, job.kind(false), took);
    job.wantsQuality = false;
    job.state = Job::State::BetweenStages;
    job.fraction = 0;
    return {};
  });
  if (!outcome)
    end(job, &outcome.error());
  else if (job.elsewhere)
    return;
  else if (!job.wantsLatency)
    end(job, nullptr);
  else
    tellRun(job.record.id);
}

void Scheduler::Impl::measureLatency(Job& job) {
  if (!enter(job, Job::State::Latency)) return;
  bool onceMore = false;
  const Result<void> outcome = guarded([&]() -> Result<void> {
    const std::stop_token token = job.stop.get_token();
    if (token.stop_requested()) return fail(ErrorKind::Cancelled, "stopped before it was timed");
    MachineHold hold;
    TS_TRY(hold, holdFor(MachineUse::Work, token));
    TS_TRY(const bool mine, begin(job));
    if (!mine) return {};
    TS_TRY(const PreparedModel model, prepared(job, sweep.threads));
    hold.release();
    std::map<std::string, double> memory;
    if (sweep.memory && job.timings == 0) {
      TS_TRY(memory, runner->memory(sweep.model, job.planned.plan, sweep.bench, token));
    }
    TS_TRY(hold, holdFor(MachineUse::Measure, token));
    const Clock::time_point begun = Clock::now();
    double waited = 0;
    TS_TRY(const BenchResult result,
           runner->bench(model, job.planned.plan, sweep.bench, sweep.threads, hooksFor(job, nullptr, waited)));
    const double took = secondsSince(begun);
    const bool best = job.timings == 0 || result.noise < job.leastNoise;
    ++job.timings;
    if (best) job.leastNoise = result.noise;
    Measurements measured;
    if (best) measured = measurementsOf(result);
    measured.metrics[kLatencySeconds] = {.value = took};
    for (const auto& [name, value] : memory) measured.metrics[name] = {.value = value};
    if (job.timings > 1) measured.metrics["latency_attempts"] = {.value = static_cast<double>(job.timings)};
    for (const auto& [name, value] : model.report) measured.engaged.emplace(name, value);
    TS_CHECK(store([&](Store& s) { return s.addMeasurements(job.record.id, measured); }));
    onceMore = result.noise > kHighNoise && job.timings == 1;
    const std::lock_guard lock(mutex);
    for (const auto& [name, metric] : measured.metrics) job.metrics[name] = metric.value;
    estimate.measured(Stage::Latency, job.kind(true), took);
    job.wantsLatency = onceMore;
    job.state = Job::State::BetweenStages;
    job.fraction = 0;
    return {};
  });
  if (outcome && onceMore) {
    log(shortName(job.record) + ": the machine was noisy; timed once more later");
    tellRun(job.record.id);
    return;
  }
  if (!outcome || !job.elsewhere) end(job, outcome ? nullptr : &outcome.error());
}

/// Counts the end of a job, with `mutex` held; false if it had ended before.
bool Scheduler::Impl::close(Job& job, const Error* error) {
  if (job.state == Job::State::Ended) return false;
  job.state = Job::State::Ended;
  const RunState state = error ? stateOf(*error) : RunState::Done;
  ++(state == RunState::Done        ? counts.done
     : state == RunState::Refused   ? counts.refused
     : state == RunState::Cancelled ? counts.cancelled
                                    : counts.failed);
  if (state == RunState::Done) results[job.record.plan] = job.metrics;
  return true;
}

void Scheduler::Impl::tellEnd(Job& job, const Error* error) {
  models->release(job.recipe());
  if (error) {
    const std::string message = error->message + (error->where.empty() ? "" : " (" + error->where + ")");
    (void)store(
        [&](Store& s) { return s.setState(job.record.id, stateOf(*error), std::string(name(error->kind)), message); });
    if (error->kind != ErrorKind::Cancelled) log(shortName(job.record) + ": " + message);
  } else {
    (void)store([&](Store& s) { return s.setState(job.record.id, RunState::Done); });
  }
  tellRun(job.record.id);
  tellProgress(true);
}

void Scheduler::Impl::end(Job& job, const Error* error) {
  {
    const std::lock_guard lock(mutex);
    if (!close(job, error)) return;
  }
  tellEnd(job, error);
}

}  // namespace ts
