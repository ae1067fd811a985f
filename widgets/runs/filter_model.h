// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSortFilterProxyModel>
#include <QStringList>
#include <optional>

#include "experiments/store/records.h"

namespace ts {

/// Sorts by raw values with missing ones last in both directions, and shows the rows in which every word of the filter
/// occurs in some column (words starting with "-" must not occur).
class RunFilterModel : public QSortFilterProxyModel {
  Q_OBJECT
 public:
  explicit RunFilterModel(QObject* parent = nullptr);
  void setText(const QString& words);
  void setState(std::optional<RunState> state);

 protected:
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  QStringList words_;
  std::optional<RunState> state_;
};

}  // namespace ts
