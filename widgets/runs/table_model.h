// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel>
#include <QStringList>

#include "widgets/runs/catalogue.h"

namespace ts {

/// The run table. A column is a key: "run", "state", "model", "task", "plan", "started", "note", "noise",
/// "setting:NAME", "metric:NAME" or "engaged:NAME"; which of them are shown is the user's choice.
class RunTableModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Role {
    RawRole = Qt::UserRole,  ///< the value to sort by: number or text; invalid when missing
    RunIdRole,
    StateRole,
  };

  explicit RunTableModel(RunCatalogue& catalogue, QObject* parent = nullptr);

  const QStringList& columns() const { return columns_; }
  void setColumns(const QStringList& columns);
  QStringList availableColumns() const;  ///< everything any run has, in a sensible order
  QStringList defaultColumns() const;
  static QString columnTitle(const QString& key);

  std::int64_t runAt(int row) const;
  int rowOf(std::int64_t run) const;  ///< -1: not there
  void coloursChanged();

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  void refresh();
  QString display(const RunRecord& run, const QString& key) const;
  QVariant raw(const RunRecord& run, const QString& key) const;

  RunCatalogue& catalogue_;
  RunCatalogue::Snapshot runs_;
  QStringList columns_;
};

}  // namespace ts
