// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/tensor_model.h"

#include "widgets/base/text.h"

namespace ts {

void TensorModel::set(std::vector<ModelSummary::TensorRow> tensors) {
  beginResetModel();
  tensors_ = std::move(tensors);
  endResetModel();
}

QVariant TensorModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const auto& t = tensors_[static_cast<std::size_t>(index.row())];
  const double bits = t.parameters() ? 8.0 * static_cast<double>(t.bytes) / static_cast<double>(t.parameters()) : 0;
  if (role == Qt::TextAlignmentRole)
    return QVariant(Qt::AlignVCenter | (index.column() == Name || index.column() == Type ? Qt::AlignLeft : Qt::AlignRight));
  if (role == Qt::DisplayRole) {
    switch (index.column()) {
      case Name: return text(t.name);
      case Layer: return t.layer < 0 ? missing() : QString::number(t.layer);
      case Shape: return t.rows == 1 ? QString::number(t.cols) : QStringLiteral("%1 × %2").arg(t.rows).arg(t.cols);
      case Type: return text(t.type);
      case Parameters: return countText(static_cast<double>(t.parameters()));
      case Bytes: return bytesText(static_cast<double>(t.bytes));
      case BitsPerWeight: return numberText(bits);
      default: return {};
    }
  }
  if (role == Qt::UserRole) {
    switch (index.column()) {
      case Name: return text(t.name);
      case Layer: return t.layer;
      case Type: return text(t.type);
      case Bytes: return static_cast<double>(t.bytes);
      case BitsPerWeight: return bits;
      default: return static_cast<double>(t.parameters());
    }
  }
  return {};
}

QVariant TensorModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) return {};
  if (role == Qt::TextAlignmentRole)
    return QVariant(Qt::AlignVCenter | (section == Name || section == Type ? Qt::AlignLeft : Qt::AlignRight));
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case Name: return tr("Tensor");
    case Layer: return tr("Layer");
    case Shape: return tr("Shape");
    case Type: return tr("Type");
    case Parameters: return tr("Parameters");
    case Bytes: return tr("Bytes");
    default: return tr("Bits/weight");
  }
}

}  // namespace ts
