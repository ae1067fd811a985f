// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/grid_model.h"

#include <QFont>
#include <QGuiApplication>
#include <QPalette>

#include "widgets/base/icons.h"
#include "widgets/base/theme.h"

namespace ts {

void GridModel::set(QStringList header, std::vector<Row> rows) {
  beginResetModel();
  header_ = std::move(header);
  rows_ = std::move(rows);
  endResetModel();
}

QString GridModel::asText() const {
  QString out = header_.join(QLatin1Char('\t')) + QLatin1Char('\n');
  for (const Row& row : rows_) {
    QStringList fields;
    for (const Cell& cell : row) fields << cell.text;
    out += fields.join(QLatin1Char('\t')) + QLatin1Char('\n');
  }
  return out;
}

QVariant GridModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const Row& row = rows_[static_cast<std::size_t>(index.row())];
  if (index.column() >= static_cast<int>(row.size())) return {};
  const Cell& cell = row[static_cast<std::size_t>(index.column())];
  switch (role) {
    case Qt::DisplayRole: return cell.text;
    case Qt::ToolTipRole: return cell.toolTip.isEmpty() ? QVariant() : cell.toolTip;
    case Qt::DecorationRole:
      return cell.iconName.isEmpty() ? QVariant() : QVariant(icon(cell.iconName, toneColour(static_cast<Tone>(cell.tone), QGuiApplication::palette())));
    case Qt::ForegroundRole: return cell.muted ? QVariant(mutedText(QGuiApplication::palette())) : QVariant();
    case Qt::FontRole: {
      if (!cell.strong) return {};
      QFont font = QGuiApplication::font();
      font.setWeight(QFont::DemiBold);
      return font;
    }
    default: return {};
  }
}

QVariant GridModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) return {};
  if (role == Qt::DisplayRole || role == Qt::ToolTipRole) return header_[section];
  if (role == Qt::TextAlignmentRole) return QVariant(Qt::AlignLeft | Qt::AlignVCenter);
  return {};
}

}  // namespace ts
