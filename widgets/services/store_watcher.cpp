// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/services/store_watcher.h"

#include <QMetaObject>
#include <QStringList>
#include <chrono>

#include "widgets/base/text.h"

namespace ts {

StoreWatcher::StoreWatcher(std::filesystem::path path, RunCatalogue& catalogue, QObject* parent)
    : QObject(parent), path_(std::move(path)), catalogue_(catalogue) {
  connect(&catalogue_, &RunCatalogue::noteEdited, this, [this](std::int64_t run, const QString& note) {
    post([this, run, words = utf8(note)](Store& store) {
      if (auto done = store.setNote(run, words); !done)
        QMetaObject::invokeMethod(this, [this, why = text(done.error().message)] { Q_EMIT failed(why); }, Qt::QueuedConnection);
    });
  });
  connect(&catalogue_, &RunCatalogue::archiveRequested, this, [this](std::int64_t run, bool archived) {
    post([this, run, archived](Store& store) {
      if (auto done = store.archive(run, archived); !done)
        QMetaObject::invokeMethod(this, [this, why = text(done.error().message)] { Q_EMIT failed(why); }, Qt::QueuedConnection);
    });
  });
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

StoreWatcher::~StoreWatcher() {
  thread_.request_stop();
  wake_.notify_all();
}

void StoreWatcher::post(std::function<void(Store&)> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  wake_.notify_all();
}

void StoreWatcher::pair(std::int64_t a, std::int64_t b, std::size_t items, std::function<void(PairReading)> done) {
  post([this, a, b, items, done = std::move(done)](Store& store) {
    const auto runA = store.run(a), runB = store.run(b);
    if (!runA || !runB) return;  // deleted meanwhile: the page hears of that in another way
    auto samplesA = store.samples(a), samplesB = store.samples(b);
    const std::vector<SampleRecord> none;
    PairReading reading = readPair(*runA, *runB, samplesA ? *samplesA : none, samplesB ? *samplesB : none, items);
    for (const auto* read : {&samplesA, &samplesB})
      if (!*read) reading.comparison.warnings.push_back("the items could not be read: " + read->error().message);
    QMetaObject::invokeMethod(this, [done, reading = std::move(reading)] { done(reading); }, Qt::QueuedConnection);
  });
}

void StoreWatcher::publish(Store& store) {
  auto runs = store.runs();
  QMetaObject::invokeMethod(
      this,
      [this, runs = std::move(runs)]() mutable {
        if (runs) catalogue_.set(std::move(*runs));
        else Q_EMIT failed(text(runs.error().message));
      },
      Qt::QueuedConnection);
}

void StoreWatcher::run(std::stop_token stop) {
  auto store = Store::open(path_);
  if (!store && store.error().kind == ErrorKind::Io) store = Store::open(path_, Store::Mode::ReadOnly);
  if (!store) {
    QMetaObject::invokeMethod(this, [this, e = store.error()] { Q_EMIT failed(text(e.message + (e.where.empty() ? "" : " (" + e.where + ")"))); },
                              Qt::QueuedConnection);
    return;
  }
  QStringList notices;
  for (const std::string& notice : (*store)->notices()) notices << text(notice);
  QMetaObject::invokeMethod(this, [this, notices] { Q_EMIT opened(notices); }, Qt::QueuedConnection);
  publish(**store);
  std::int64_t seen = (*store)->changeCount();
  while (true) {
    std::deque<std::function<void(Store&)>> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, std::chrono::milliseconds(300), [this] { return !waiting_.empty(); });
      work.swap(waiting_);
    }
    for (const auto& job : work) job(**store);  // also those posted just before the end: a note is not lost
    if (stop.stop_requested()) return;
    const std::int64_t now = (*store)->changeCount();
    if (now != seen) publish(**store);
    seen = now;
  }
}

}  // namespace ts
