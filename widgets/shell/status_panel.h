// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QWidget>

class QLabel;
class QProgressBar;
class QToolButton;

namespace ts {

class RunCatalogue;
class SweepService;
struct SweepProgress;

/// The right end of the status bar: what the worker does, how far it is and how long it will take, pause and cancel, the
/// machine's noise and the memory in use.
class StatusPanel : public QWidget {
  Q_OBJECT
 public:
  StatusPanel(SweepService& sweeps, RunCatalogue& catalogue, QWidget* parent = nullptr);
  void setActivity(const QString& what);  ///< other work than a sweep ("opening ...", "generating"); empty: none
  QString stateText() const;

 private:
  void refresh();
  void measure();

  SweepService& sweeps_;
  RunCatalogue& catalogue_;
  QLabel *stateIcon_ = nullptr, *state_ = nullptr, *eta_ = nullptr, *noise_ = nullptr, *memory_ = nullptr;
  QProgressBar* bar_ = nullptr;
  QToolButton *pause_ = nullptr, *cancel_ = nullptr;
  QString activity_;
};

}  // namespace ts
