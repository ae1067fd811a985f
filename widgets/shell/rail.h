// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractButton>
#include <QWidget>

class QAction;
class QButtonGroup;
class QVBoxLayout;

namespace ts {

/// The narrow list of pages at the window's left.
class Rail : public QWidget {
  Q_OBJECT
 public:
  explicit Rail(QWidget* parent = nullptr);
  void addPage(QAction* action);  ///< its icon, text and checked state
  void addStretch();

 protected:
  void paintEvent(QPaintEvent*) override;

 private:
  QVBoxLayout* column_ = nullptr;
};

}  // namespace ts
