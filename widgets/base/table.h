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
  /// This column takes what the others leave of the width, but at least `least` pixels.
  void setFillColumn(int column, int least);

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void fill();
  int fillColumn_ = -1, fillLeast_ = 0;
};

}  // namespace ts
