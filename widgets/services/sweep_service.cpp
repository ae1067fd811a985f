// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/services/sweep_service.h"

#include <QMetaObject>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

#include "widgets/base/text.h"

namespace ts {

/// Lives on a thread of its own, because starting a sweep opens and packs the model and ending one waits for workers.
struct SweepService::Work {
  std::mutex mutex;
  std::unique_ptr<Scheduler> scheduler;  ///< null until started
  std::atomic<bool> cancelled = false;
  std::thread thread;

  Result<SweepProgress> sweep(Sweep sweep, Scheduler::Options options, SchedulerListener listener) {
    TS_TRY(auto started, Scheduler::start(std::move(sweep), std::move(options), std::move(listener)));
    Scheduler* running = started.get();
    {
      const std::lock_guard lock(mutex);
      scheduler = std::move(started);
      if (cancelled) running->cancel();
    }
    return running->wait();
  }
  template <class Call>
  void withScheduler(Call&& call) {
    const std::lock_guard lock(mutex);
    if (scheduler) call(*scheduler);
  }
  ~Work() {
    if (thread.joinable()) thread.join();
  }
};

SweepService::SweepService(QObject* parent) : QObject(parent) { qRegisterMetaType<SweepProgress>(); }

SweepService::~SweepService() { cancel(); }

void SweepService::start(Sweep sweep, Scheduler::Options options) {
  if (running_) return;
  running_ = true;
  progress_ = {};
  work_ = std::make_unique<Work>();
  Q_EMIT started();

  // Calls are queued to this object's thread; the work, and with it every caller, ends before this object does.
  const auto tell = [this](auto call) { QMetaObject::invokeMethod(this, [this, call] { call(*this); }, Qt::QueuedConnection); };
  SchedulerListener listener;
  listener.progress = [tell](const SweepProgress& progress) {
    tell([progress](SweepService& service) {
      service.progress_ = progress;
      Q_EMIT service.progressed(progress);
    });
  };
  listener.log = [tell](const std::string& line) { tell([line](SweepService& service) { Q_EMIT service.logged(text(line)); }); };

  Work& work = *work_;
  work.thread = std::thread([tell, &work, sweep = std::move(sweep), options = std::move(options), listener = std::move(listener)]() mutable {
    Result<SweepProgress> outcome;
    try {
      outcome = work.sweep(std::move(sweep), std::move(options), std::move(listener));
    } catch (const std::bad_alloc&) {
      outcome = fail(ErrorKind::OutOfMemory, "memory ran out before the sweep could start; fewer workers or a smaller model may fit");
    } catch (const std::exception& exception) {
      outcome = fail(ErrorKind::Internal, exception.what());
    }
    const bool cancelled = work.cancelled;
    tell([outcome, cancelled](SweepService& service) {
      service.running_ = false;
      if (outcome) {
        service.progress_ = *outcome;
        Q_EMIT service.finished(*outcome, cancelled);
      } else if (outcome.error().kind == ErrorKind::Cancelled) {
        Q_EMIT service.finished(service.progress_, true);
      } else {
        const Error& error = outcome.error();
        Q_EMIT service.failed(text(error.where.empty() ? error.message : error.where + ": " + error.message));
      }
    });
  });
}

void SweepService::pause() {
  if (work_) work_->withScheduler([](Scheduler& s) { s.pause(); });
}
void SweepService::resume() {
  if (work_) work_->withScheduler([](Scheduler& s) { s.resume(); });
}
void SweepService::cancel() {
  if (!work_) return;
  const std::lock_guard lock(work_->mutex);
  work_->cancelled = true;
  if (work_->scheduler) work_->scheduler->cancel();
}

}  // namespace ts
