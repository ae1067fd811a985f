// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTableView>

namespace ts {

/// The look all tables share: rows are selected whole, alternating, no grid, comfortable height; Ctrl+C copies the
/// selection as tab-separated text with a header line.
class Table : public QTableView {
  Q_OBJECT
 public:
  explicit Table(QAbstractItemModel* model, QWidget* parent = nullptr);
  QString selectionAsText() const;

 protected:
  void keyPressEvent(QKeyEvent* event) override;
};

}  // namespace ts
