// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/table.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <algorithm>

namespace ts {

Table::Table(QAbstractItemModel* model, QWidget* parent) : QTableView(parent) {
  setModel(model);
  setSelectionBehavior(QAbstractItemView::SelectRows);
  setSelectionMode(QAbstractItemView::ExtendedSelection);
  setAlternatingRowColors(true);
  setShowGrid(false);
  setWordWrap(false);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  verticalHeader()->hide();
  verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 11);
  horizontalHeader()->setHighlightSections(false);
  horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
}

QString Table::selectionAsText() const {
  QModelIndexList rows = selectionModel()->selectedRows();
  std::sort(rows.begin(), rows.end());
  QStringList lines, header;
  for (int c = 0; c < model()->columnCount(); ++c) header << model()->headerData(c, Qt::Horizontal).toString();
  lines << header.join(QLatin1Char('\t'));
  for (const QModelIndex& row : rows) {
    QStringList fields;
    for (int c = 0; c < model()->columnCount(); ++c) fields << model()->index(row.row(), c, rootIndex()).data().toString();
    lines << fields.join(QLatin1Char('\t'));
  }
  return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

void Table::setFillColumn(int column, int least) {
  fillColumn_ = column;
  fillLeast_ = least;
  fill();
}

void Table::fill() {
  if (fillColumn_ < 0) return;
  const int others = horizontalHeader()->length() - columnWidth(fillColumn_);
  setColumnWidth(fillColumn_, std::max(fillLeast_, viewport()->width() - others));
}

void Table::resizeEvent(QResizeEvent* event) {
  QTableView::resizeEvent(event);
  fill();
}

void Table::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) QGuiApplication::clipboard()->setText(selectionAsText());
  else QTableView::keyPressEvent(event);
}

}  // namespace ts
