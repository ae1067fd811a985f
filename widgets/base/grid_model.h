// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel>
#include <QIcon>
#include <QStringList>
#include <vector>

namespace ts {

/// A small table made of texts, for comparisons and previews.
class GridModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  struct Cell {
    QString text;
    QString toolTip = {};
    bool strong = false, muted = false;
    QString iconName = {};
    int tone = 0;  ///< of the icon
  };
  using Row = std::vector<Cell>;
  using QAbstractTableModel::QAbstractTableModel;
  void set(QStringList header, std::vector<Row> rows);
  QString asText() const;  ///< tab-separated, with the header

  int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(rows_.size()); }
  int columnCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(header_.size()); }
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QStringList header_;
  std::vector<Row> rows_;
};

}  // namespace ts
