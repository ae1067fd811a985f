// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <functional>
#include <map>

#include "experiments/analysis/compare.h"

class QAction;
class QCheckBox;
class QComboBox;
class QVBoxLayout;

namespace ts {

class Card;
class ContentOrEmpty;
class GridModel;
class RunCatalogue;
class RunSelection;
class Table;

/// What exactly differs between these runs, and is it real?
class ComparePage : public QWidget {
  Q_OBJECT
 public:
  /// Reads the samples of two runs without blocking and calls back on the GUI thread.
  using SampleReader = std::function<void(std::int64_t a, std::int64_t b,
                                          std::function<void(std::vector<SampleRecord>, std::vector<SampleRecord>)> done)>;
  ComparePage(RunCatalogue& catalogue, RunSelection& selection, SampleReader samples, QWidget* parent = nullptr);

  GridModel& settingsModel() { return *settings_; }
  GridModel& metricsModel() { return *metrics_; }
  QStringList sentences() const { return sentences_; }
  QList<QAction*> pageActions() const { return actions_; }

 Q_SIGNALS:
  void runsRequested();

 private:
  void refresh();
  void fill();
  void fillSettings(const QList<std::int64_t>& runs);
  void fillMetrics(const QList<std::int64_t>& runs);
  void fillWords(const QList<std::int64_t>& runs);
  QList<std::int64_t> comparedRuns() const;  ///< the baseline first

  RunCatalogue& catalogue_;
  RunSelection& selection_;
  SampleReader samples_;
  ContentOrEmpty* stack_ = nullptr;
  QComboBox* baseline_ = nullptr;
  QCheckBox* everything_ = nullptr;
  GridModel *settings_ = nullptr, *metrics_ = nullptr;
  Table *settingsTable_ = nullptr, *metricsTable_ = nullptr;
  QVBoxLayout* words_ = nullptr;
  QStringList sentences_;
  QList<QAction*> actions_;
  std::map<std::int64_t, Comparison> comparisons_;  ///< each run against the baseline
  std::vector<std::pair<std::int64_t, std::map<std::string, MetricValue>>> compared_;
  std::uint64_t request_ = 0;
};

}  // namespace ts
