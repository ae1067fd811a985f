// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/runs/filter_model.h"

#include "widgets/runs/table_model.h"

namespace ts {

RunFilterModel::RunFilterModel(QObject* parent) : QSortFilterProxyModel(parent) { setDynamicSortFilter(true); }

void RunFilterModel::setText(const QString& words) {
  words_ = words.split(QLatin1Char(' '), Qt::SkipEmptyParts);
  invalidateFilter();
}

void RunFilterModel::setState(std::optional<RunState> state) {
  state_ = state;
  invalidateFilter();
}

bool RunFilterModel::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const QVariant a = left.data(RunTableModel::RawRole), b = right.data(RunTableModel::RawRole);
  const bool ascending = sortOrder() == Qt::AscendingOrder;
  if (!a.isValid() || !b.isValid()) {
    if (a.isValid() == b.isValid()) return false;
    return a.isValid() ? ascending : !ascending;  // the proxy inverts the answer when it sorts downwards
  }
  const bool textual = a.typeId() == QMetaType::QString || b.typeId() == QMetaType::QString;
  if (textual) return QString::localeAwareCompare(a.toString(), b.toString()) < 0;
  return a.toDouble() < b.toDouble();
}

bool RunFilterModel::filterAcceptsRow(int row, const QModelIndex& parent) const {
  const QAbstractItemModel* source = sourceModel();
  const QModelIndex first = source->index(row, 0, parent);
  if (state_ && first.data(RunTableModel::StateRole).toInt() != static_cast<int>(*state_)) return false;
  for (const QString& word : words_) {
    const bool excludes = word.size() > 1 && word.startsWith(QLatin1Char('-'));
    const QString wanted = excludes ? word.mid(1) : word;
    bool found = false;
    for (int column = 0; column < source->columnCount(parent) && !found; ++column)
      found = source->index(row, column, parent).data(Qt::DisplayRole).toString().contains(wanted, Qt::CaseInsensitive);
    if (found == excludes) return false;
  }
  return true;
}

}  // namespace ts
