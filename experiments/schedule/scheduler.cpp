// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/schedule/guarded.h"
#include "experiments/schedule/scheduler.h"

#include <algorithm>
#include <cmath>

#include "experiments/analysis/label.h"
#include "experiments/schedule/host.h"
#include "experiments/schedule/run_record.h"
#include "experiments/schedule/scheduler_impl.h"

namespace ts {
namespace {

constexpr int kBatchPerWorker = 4;  // large enough to keep workers busy, small enough for whole rows to appear early
constexpr double kDriftWorthTelling = 0.1;
constexpr auto kLookAgain = std::chrono::milliseconds(200);

}  // namespace

Scheduler::Scheduler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Scheduler::~Scheduler() {
  cancel();
}  // the coordinator is joined by its own destructor, while everything else still stands

Result<std::unique_ptr<Scheduler>> Scheduler::start(Sweep sweep, Options options, SchedulerListener listener,
                                                    std::unique_ptr<Runner> runner) {
  auto impl = std::make_unique<Impl>();
  impl->sweep = std::move(sweep);
  impl->options = std::move(options);
  impl->listener = std::move(listener);
  impl->runner = std::move(runner);
  if (!impl->sweep.task.data.empty() && impl->sweep.quality) {
    TS_TRY(impl->identity.data, fileFingerprint(impl->sweep.task.data));
  }
  TS_TRY(impl->writer, Writer::open(impl->options.store));
  impl->host = thisHost();
  impl->cores = std::max(1, impl->host.cores);
  impl->workers = impl->options.workers > 0 ? impl->options.workers : impl->cores;
  std::unique_ptr<Scheduler> scheduler(new Scheduler(std::move(impl)));
  Impl* self = scheduler->impl_.get();
  self->coordinator = std::jthread([self] { self->run(); });
  return scheduler;
}

Result<std::unique_ptr<Scheduler>> Scheduler::start(Sweep sweep, Options options, SchedulerListener listener) {
  return start(std::move(sweep), std::move(options), std::move(listener), makeEngineRunner());
}

void Scheduler::Impl::run() {
  for (const std::string& notice : writer->notices()) log(notice);
  // Every stop, by the user or by a failure, reaches the jobs in flight.
  const std::stop_callback spread(stop.get_token(), [this] {
    const std::lock_guard lock(mutex);
    for (Job& job : jobs) job.stop.request_stop();
  });
  if (const auto outcome = guarded([this] { return work(); }); !outcome) abort(outcome.error());
  endWhatIsLeft();
  // Where that could not be written (a full disk), nobody shall take the rows for work in progress.
  writer->call([](Store& s) { return s.disown(), true; });
  {
    const std::lock_guard lock(mutex);
    finished = true;
    extra.clear();
  }
  tellProgress(true);
  changed.notify_all();
}

Result<void> Scheduler::Impl::work() {
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, stop.get_token()));
  if (!hold.problem().empty()) log(hold.problem());
  TS_TRY(Runner::Opened opened, runner->open(sweep.model, stop.get_token()));
  hold.release();
  identity.arithmetic = opened.arithmetic;
  identity.provenance = opened.provenance;
  identity.provenance["library.sqlite"] = sqliteVersion();
  identity.modelFingerprint = [this](const std::string& source) { return runner->fingerprint(source); };
  model = opened.record;
  models = std::make_unique<PreparedModels>(
      *runner, std::move(opened.dense),
      static_cast<std::uint64_t>(std::max<std::int64_t>(host.memoryBytes / 2, 1 << 30)));
  TS_TRY(host.id, store([&](Store& s) { return s.host(host); }));
  TS_TRY(model.id, store([&](Store& s) { return s.model(model); }));
  TS_TRY(const std::unique_ptr<PlanSource> source, makePlanSource(sweep, opened.offers));
  for (;;) {
    TS_TRY(const std::vector<PlannedRun> round, source->next(results));
    if (round.empty()) break;
    {
      const std::lock_guard lock(mutex);
      expectedPlans = source->expected();
    }
    TS_TRY(sweepId, store([&](Store& s) {
             return s.addSweep(
                 {.name = sweep.name, .text = sweep.text.empty() ? toJson(sweep) : sweep.text, .plans = expectedPlans});
           }));
    TS_TRY(const std::vector<Job*> fresh, enroll(round));
    tellProgress(true);
    for (const auto& batch : batchesOf(fresh, static_cast<std::size_t>(workers * kBatchPerWorker), sweep.seed)) {
      if (stop.stop_requested()) return {};
      runBatch(batch);
    }
    timeNoisyOnceMore(fresh);
    TS_CHECK(awaitElsewhere(fresh));
    if (stop.stop_requested()) return {};
  }
  repeatBaseline();
  return {};
}

Result<std::vector<Job*>> Scheduler::Impl::enroll(const std::vector<PlannedRun>& plans) {
  std::vector<Job*> fresh;
  for (const PlannedRun& plan : plans) {
    if (stop.stop_requested()) break;
    TS_TRY(Job* const job, enrollOne(plan));
    if (job) fresh.push_back(job);
  }
  return fresh;
}

/// The plan as a job with its row in the store; null when nothing is left to do for it.
Result<Job*> Scheduler::Impl::enrollOne(const PlannedRun& planned) {
  TS_TRY(RunRecord record, describe(sweep, planned, model, host, identity));
  record.sweep = sweepId;
  const bool refused = !planned.refusal.empty();
  if (refused) {
    record.state = RunState::Refused;
    record.failureKind = name(ErrorKind::Refused);
    record.message = planned.refusal;
  }
  Job job{.planned = planned, .wantsQuality = sweep.quality, .wantsLatency = sweep.latency};
  if (options.measureAgain) {
    TS_TRY(record.id, store([&](Store& s) { return s.addRun(record); }));
  } else {
    TS_TRY(const Store::Enrolled row, store([&](Store& s) { return s.enroll(record); }));
    record.id = row.run;
    if (row.known && row.known->state == RunState::Done) {
      const std::lock_guard lock(mutex);
      Job& known = jobs.emplace_back(Job{.planned = planned, .record = *row.known, .state = Job::State::Ended});
      for (const auto& [name, metric] : row.known->metrics) known.metrics[name] = metric.value;
      results[record.plan] = known.metrics;
      ++counts.reused;
      return nullptr;
    }
    if (row.known) job.wantsQuality = job.wantsQuality && !row.known->metrics.contains(kQualitySeconds);
  }
  if (refused) job.state = Job::State::Ended;
  job.record = std::move(record);
  Job* added = nullptr;
  if (!refused) models->announce(job.recipe());  // before anybody can learn of the run and cancel it
  {
    const std::lock_guard lock(mutex);
    if (refused) ++counts.refused;
    added = &jobs.emplace_back(std::move(job));
  }
  tellRun(added->record.id);
  if (refused) return nullptr;
  if (stop.stop_requested()) added->stop.request_stop();
  return added;
}

void Scheduler::Impl::runBatch(const std::vector<Job*>& batch) {
  const auto scored = std::ranges::count_if(batch, [](const Job* job) { return job->wantsQuality; });
  const int atOnce = static_cast<int>(std::clamp<std::ptrdiff_t>(scored, 1, workers));
  const int threads = std::max(1, cores / atOnce);
  {
    boost::asio::thread_pool pool(static_cast<std::size_t>(atOnce));
    for (Job* job : batch)
      if (job->wantsQuality) boost::asio::post(pool, [this, job, threads] { measureQuality(*job, threads); });
    pool.join();
  }
  // From here no worker runs: what is timed is alone.
  for (Job* job : batch) {
    if (!job->wantsLatency || job->elsewhere) continue;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, job->stop.get_token(), [&] { return !paused; });
    }
    measureLatency(*job);
  }
}

/// What was timed while the machine was noisy gets a second chance, when the cause may be over; the quieter one counts.
void Scheduler::Impl::timeNoisyOnceMore(const std::vector<Job*>& jobs) {
  for (Job* job : jobs)
    if (job->timings == 1 && job->wantsLatency && !stop.stop_requested()) measureLatency(*job);
}

/// Plans that another program took of the same store: waits for what comes of them, or measures them when it gives up.
Result<void> Scheduler::Impl::awaitElsewhere(const std::vector<Job*>& all) {
  for (;;) {
    std::int64_t waiting = 0;
    for (Job* job : all) {
      if (!job->elsewhere || job->state == Job::State::Ended) continue;
      TS_TRY(const RunRecord row, store([&](Store& s) { return s.run(job->record.id); }));
      if (row.state == RunState::Running || row.state == RunState::Queued) {
        ++waiting;
      } else if (row.state == RunState::Cancelled || row.state == RunState::Interrupted) {
        job->elsewhere = false;
        runBatch({job});
        timeNoisyOnceMore({job});
        waiting += job->elsewhere ? 1 : 0;
      } else {
        settle(*job, row);
      }
    }
    std::unique_lock lock(mutex);
    extra = waiting > 0 ? "waiting for " + std::to_string(waiting) + " plans that another program measures" : "";
    if (waiting == 0 || stop.stop_requested()) return {};
    changed.wait_for(lock, stop.get_token(), kLookAgain, [] { return false; });
    lock.unlock();
    tellProgress(false);
  }
}

void Scheduler::Impl::endWhatIsLeft() {
  const Error cancelled{ErrorKind::Cancelled, "the sweep was stopped before its turn came", {}};
  for (Job& job : jobs) end(job, &cancelled);
}

/// Tells how much the machine itself changed over the sweep: its clock, its heat, its neighbours.
void Scheduler::Impl::repeatBaseline() {
  const auto timed = std::ranges::count_if(jobs, [](const Job& job) {
    return job.metrics.contains(kLatencySeconds) && job.stop.stop_possible() && !job.wantsLatency;
  });
  if (jobs.empty()) return;
  Job& job = jobs.front();
  const auto before = job.metrics.find("decode_tokens_per_s");
  if (!sweep.latency || timed < 3 || job.wantsLatency || before == job.metrics.end() || !(before->second > 0) ||
      stop.stop_requested())
    return;
  {
    const std::lock_guard lock(mutex);
    extra = "latency  " + shortName(job.record) + " once more, for drift";
  }
  tellProgress(true);
  const auto hold = holdFor(MachineUse::Measure, stop.get_token());
  if (!hold) return;
  double waited = 0;
  const auto again =
      runner->bench(models->dense(), job.planned.plan, sweep.bench, sweep.threads, hooksFor(job, nullptr, waited));
  if (!again) return;
  const double drift = again->decodeTokensPerSecond.median / before->second - 1;
  const bool noisy = std::abs(drift) > kDriftWorthTelling;
  (void)store([&](Store& s) {
    return s.addMeasurements(job.record.id, {.metrics = {{"drift", {.value = drift}}}, .noisy = noisy});
  });
  tellRun(job.record.id);
  if (noisy)
    log("the machine's speed changed by " + formatValue("noise", drift) +
        " from the first to the last timing; speeds of this sweep compare only roughly");
}

void Scheduler::pause() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->paused || impl_->finished) return;
    impl_->paused = true;
    impl_->pausedSince = Impl::Clock::now();
  }
  impl_->tellProgress(true);
}

void Scheduler::resume() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->paused) return;
    impl_->paused = false;
    impl_->pausedSeconds += std::chrono::duration<double>(Impl::Clock::now() - impl_->pausedSince).count();
  }
  impl_->changed.notify_all();
  impl_->tellProgress(true);
}

void Scheduler::cancel() {
  impl_->stop.request_stop();
  impl_->changed.notify_all();
}

void Scheduler::cancelRun(std::int64_t run) {
  const Error cancelled{ErrorKind::Cancelled, "stopped before its turn came", {}};
  Job* waiting = nullptr;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto job = std::ranges::find_if(impl_->jobs, [&](const Job& j) { return j.record.id == run; });
    if (job == impl_->jobs.end() || job->state == Job::State::Ended) return;
    job->stop.request_stop();
    if (job->state == Job::State::Queued && impl_->close(*job, &cancelled)) waiting = &*job;
  }
  if (waiting) impl_->tellEnd(*waiting, &cancelled);
}

Result<SweepProgress> Scheduler::wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->finished; });
  if (impl_->failure) return tl::unexpected(*impl_->failure);
  return impl_->snapshot();
}

SweepProgress Scheduler::progress() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->snapshot();
}

bool Scheduler::finished() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->finished;
}

}  // namespace ts
