// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "experiments/analysis/pair_reading.h"
#include "experiments/store/store.h"
#include "widgets/runs/catalogue.h"

namespace ts {

/// Reads the store on a thread of its own and feeds the catalogue whenever any connection has committed; carries out
/// the desktop's few edits there too. The GUI thread never waits for the disk.
class StoreWatcher : public QObject {
  Q_OBJECT
 public:
  StoreWatcher(std::filesystem::path path, RunCatalogue& catalogue, QObject* parent = nullptr);
  ~StoreWatcher() override;

  const std::filesystem::path& path() const { return path_; }
  /// Runs `work` with the store on the watcher's thread.
  void post(std::function<void(Store&)> work);
  /// Reads two runs with their samples and at most `items` of the items that differ there, and hands that over on this
  /// object's thread.
  void pair(std::int64_t a, std::int64_t b, std::size_t items, std::function<void(PairReading)> done);

 Q_SIGNALS:
  void opened(const QStringList& notices);
  void failed(const QString& message);

 private:
  void run(std::stop_token stop);
  void publish(Store& store);

  std::filesystem::path path_;
  RunCatalogue& catalogue_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::function<void(Store&)>> waiting_;
  std::jthread thread_;
};

}  // namespace ts
