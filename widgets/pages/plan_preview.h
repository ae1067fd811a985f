// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <memory>
#include <set>
#include <stop_token>
#include <thread>

#include "widgets/forms/sweep_draft.h"

class QLabel;
class QTimer;

namespace ts {

class Figures;
class GridModel;
class PrimaryButton;
class RunCatalogue;
class Table;

/// What a draft amounts to: how many plans, which are refused and why, about how long. Expanded on a thread of its own,
/// shortly after the last change.
class PlanPreview : public QWidget {
  Q_OBJECT
 public:
  explicit PlanPreview(RunCatalogue& catalogue, QWidget* parent = nullptr);

  void setDraft(SweepDraft draft, std::set<std::string> offers);
  void setSweeping(bool sweeping);
  int plans() const { return plans_; }
  int refused() const { return refused_; }
  QString problem() const { return problem_; }
  GridModel& model() { return *list_; }

 Q_SIGNALS:
  void startRequested();
  void updated();

 private:
  struct Outcome;
  void expandNow();
  void show(const Outcome& outcome);
  double secondsOfOnePlan() const;  ///< median over finished runs of the same model and task; 0: nothing known

  RunCatalogue& catalogue_;
  SweepDraft draft_;
  std::set<std::string> offers_;
  Figures* figures_ = nullptr;
  QLabel *verdict_ = nullptr, *estimate_ = nullptr;
  GridModel* list_ = nullptr;
  Table* table_ = nullptr;
  PrimaryButton* start_ = nullptr;
  QTimer* pause_ = nullptr;
  QString problem_;
  int plans_ = 0, refused_ = 0;
  bool sweeping_ = false;
  std::uint64_t request_ = 0;
  std::jthread thread_;
};

}  // namespace ts
