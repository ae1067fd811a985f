// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "widgets/models/summary.h"

namespace ts {

/// The tensors of a model: name, layer, shape, type, parameters, bytes, bits per weight. UserRole holds values to sort by.
class TensorModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { Name, Layer, Shape, Type, Parameters, Bytes, BitsPerWeight, ColumnCount };
  using QAbstractTableModel::QAbstractTableModel;
  void set(std::vector<ModelSummary::TensorRow> tensors);

  int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(tensors_.size()); }
  int columnCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : ColumnCount; }
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::vector<ModelSummary::TensorRow> tensors_;
};

}  // namespace ts
