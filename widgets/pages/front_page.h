// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "experiments/analysis/front.h"
#include "widgets/charts/plot_data.h"

class QAction;
class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;

namespace ts {

class Card;
class ContentOrEmpty;
class PlotView;
class RunCatalogue;
class RunSelection;
class UserSettings;

/// What should I choose? The Pareto front of two metrics over comparable runs.
class FrontPage : public QWidget {
  Q_OBJECT
 public:
  FrontPage(RunCatalogue& catalogue, RunSelection& selection, UserSettings& settings, QWidget* parent = nullptr);

  void setAxes(const std::string& x, const std::string& y);
  const PlotData& plot() const { return data_; }
  PlotView& view() { return *view_; }
  QString summary() const;  ///< the chart in words
  bool exportTo(const QString& path);
  QList<QAction*> pageActions() const { return actions_; }

 Q_SIGNALS:
  void runActivated(std::int64_t run);
  void experimentRequested();
  void message(const QString& text);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void refresh();        ///< new runs: builds the page, or leaves that until it is shown
  void build();          ///< what there is to choose from, and the chart
  void rebuild();        ///< the chart
  void fillMetrics();
  void fillGroups();
  std::string metricOf(const QComboBox* box) const;
  void chooseFile();

  RunCatalogue& catalogue_;
  RunSelection& selection_;
  UserSettings& settings_;
  PlotView* view_ = nullptr;
  ContentOrEmpty* stack_ = nullptr;
  QComboBox *group_ = nullptr, *x_ = nullptr, *y_ = nullptr, *colour_ = nullptr;
  QCheckBox *xLog_ = nullptr, *yLog_ = nullptr, *errors_ = nullptr, *focus_ = nullptr;
  QLineEdit *xLimit_ = nullptr, *yLimit_ = nullptr;
  QLabel *words_ = nullptr;
  QList<QAction*> actions_;
  Front front_;
  PlotData data_;
  bool stale_ = false;   ///< runs came in while the page was hidden
  bool chosen_ = false;  ///< the user chose axes; new metrics do not change them
};

}  // namespace ts
