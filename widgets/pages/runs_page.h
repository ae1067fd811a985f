// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QAction;
class QMenu;
class QLabel;
class QLineEdit;
class QComboBox;

namespace ts {

class ContentOrEmpty;
class RunCatalogue;
class RunFilterModel;
class RunSelection;
class RunTableModel;
class Table;
class UserSettings;

/// What happened? Every run of the store, live.
class RunsPage : public QWidget {
  Q_OBJECT
 public:
  RunsPage(RunCatalogue& catalogue, RunSelection& selection, UserSettings& settings, QWidget* parent = nullptr);

  RunTableModel& model() { return *model_; }
  Table& table() { return *table_; }
  QString selectedAsText() const;            ///< tab-separated with a header line, for the clipboard
  bool exportCsv(const QString& path);       ///< the rows shown, all their columns
  QList<QAction*> pageActions() const { return actions_; }

 Q_SIGNALS:
  void compareRequested();
  void frontRequested();
  void experimentRequested();
  void message(const QString& text);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void makeActions();
  void refresh();
  void fillColumnMenu();
  void tableSelectionChanged();
  void showSelection();
  void contextMenu(const QPoint& at);

  RunCatalogue& catalogue_;
  RunSelection& selection_;
  UserSettings& settings_;
  RunTableModel* model_ = nullptr;
  RunFilterModel* filter_ = nullptr;
  Table* table_ = nullptr;
  QLineEdit* search_ = nullptr;
  QComboBox* states_ = nullptr;
  QLabel* count_ = nullptr;
  ContentOrEmpty* stack_ = nullptr;
  QMenu* columnMenu_ = nullptr;
  QList<QAction*> actions_;
  QAction *copy_ = nullptr, *export_ = nullptr, *compare_ = nullptr, *baseline_ = nullptr, *archive_ = nullptr, *find_ = nullptr;
  bool syncing_ = false;
};

}  // namespace ts
