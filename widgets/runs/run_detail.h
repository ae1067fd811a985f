// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <cstdint>

class QLabel;
class QPlainTextEdit;

namespace ts {

class ContentOrEmpty;
class FactList;
class RunCatalogue;
class RunSelection;
struct RunRecord;

/// Everything known about the selected run: state and reason, metrics with their errors, settings, what really engaged,
/// the command line to copy, and a note to write.
class RunDetail : public QWidget {
  Q_OBJECT
 public:
  RunDetail(RunCatalogue& catalogue, RunSelection& selection, QWidget* parent = nullptr);
  ~RunDetail() override;  ///< a note being written is saved

 private:
  void refresh();
  void show(const RunRecord& run);
  void saveNote();

  RunCatalogue& catalogue_;
  RunSelection& selection_;
  std::int64_t shown_ = 0;
  ContentOrEmpty* stack_ = nullptr;
  QLabel *title_ = nullptr, *stateIcon_ = nullptr, *state_ = nullptr, *reason_ = nullptr, *command_ = nullptr;
  FactList *metrics_ = nullptr, *settings_ = nullptr, *engaged_ = nullptr, *origin_ = nullptr;
  QWidget* engagedBox_ = nullptr;
  QPlainTextEdit* note_ = nullptr;
  QString savedNote_;
};

}  // namespace ts
