// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>
#include <QList>

class QAction;
class QLineEdit;
class QListView;
class QSortFilterProxyModel;
class QStandardItemModel;

namespace ts {

/// Every command of the program by name: type some letters of its words, press Enter.
class CommandPalette : public QDialog {
  Q_OBJECT
 public:
  CommandPalette(const QList<QAction*>& actions, QWidget* parent);
  QStringList shown() const;  ///< texts of the commands that match, best first
  void setFilter(const QString& words);
  void runCurrent();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  QLineEdit* search_ = nullptr;
  QListView* list_ = nullptr;
  QStandardItemModel* commands_ = nullptr;
  QSortFilterProxyModel* filter_ = nullptr;
};

}  // namespace ts
