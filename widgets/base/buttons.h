// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPushButton>
#include <QToolButton>

namespace ts {

/// The one button of a page that matters most: filled with the highlight colour.
class PrimaryButton : public QPushButton {
  Q_OBJECT
 public:
  PrimaryButton(const QString& iconName, const QString& text, QWidget* parent = nullptr);
  void setIconName(const QString& iconName);
  QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent*) override;

 private:
  QString iconName_;
};

/// A flat button with an icon; the text is its tool tip and accessible name.
QToolButton* iconButton(const QString& iconName, const QString& text, QWidget* parent = nullptr);

/// An on/off switch: position and a tick say the state, not colour alone.
class Switch : public QAbstractButton {
  Q_OBJECT
 public:
  explicit Switch(const QString& accessibleName = {}, QWidget* parent = nullptr);
  QSize sizeHint() const override { return {36, 20}; }

 protected:
  void paintEvent(QPaintEvent*) override;
};

}  // namespace ts
