// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <filesystem>
#include <memory>

#include "experiments/schedule/scheduler.h"

namespace ts {

/// The scheduler as a Qt object: one sweep at a time, what it tells arrives on the GUI thread.
class SweepService : public QObject {
  Q_OBJECT
 public:
  explicit SweepService(QObject* parent = nullptr);
  ~SweepService() override;  ///< cancels; what was measured is in the store

  bool running() const { return running_; }
  const SweepProgress& progress() const { return progress_; }

  void start(Sweep sweep, Scheduler::Options options);
  void pause();
  void resume();
  void cancel();

 Q_SIGNALS:
  void started();
  void progressed(const ts::SweepProgress& progress);
  void logged(const QString& line);
  void finished(const ts::SweepProgress& progress, bool cancelled);
  void failed(const QString& message);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
  SweepProgress progress_;
  bool running_ = false;
};

}  // namespace ts

Q_DECLARE_METATYPE(ts::SweepProgress)
