// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <functional>
#include <map>

#include "experiments/analysis/pair_reading.h"

class QAction;
class QCheckBox;
class QComboBox;
class QLabel;
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
  /// Reads two runs side by side, with their samples, without blocking, and calls back on the GUI thread.
  using PairReader = std::function<void(std::int64_t a, std::int64_t b, std::function<void(PairReading)> done)>;
  static constexpr std::size_t kShownItems = 200;  ///< of each pair at most
  ComparePage(RunCatalogue& catalogue, RunSelection& selection, PairReader reader, QWidget* parent = nullptr);

  GridModel& settingsModel() { return *settings_; }
  GridModel& metricsModel() { return *metrics_; }
  GridModel& itemsModel() { return *items_; }
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
  void fillItems(const QList<std::int64_t>& runs);
  QList<std::int64_t> comparedRuns() const;  ///< the baseline first

  RunCatalogue& catalogue_;
  RunSelection& selection_;
  PairReader reader_;
  ContentOrEmpty* stack_ = nullptr;
  QComboBox* baseline_ = nullptr;
  QCheckBox* everything_ = nullptr;
  GridModel *settings_ = nullptr, *metrics_ = nullptr, *items_ = nullptr;
  Table *settingsTable_ = nullptr, *metricsTable_ = nullptr, *itemsTable_ = nullptr;
  QLabel* itemsSummary_ = nullptr;
  QVBoxLayout* words_ = nullptr;
  QStringList sentences_;
  QList<QAction*> actions_;
  std::map<std::int64_t, PairReading> readings_;  ///< each run against the baseline
  std::vector<std::pair<std::int64_t, std::map<std::string, MetricValue>>> compared_;
  std::uint64_t request_ = 0;
};

}  // namespace ts
