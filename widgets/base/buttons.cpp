// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/buttons.h"

#include <QPainter>
#include <QStyleOptionFocusRect>

#include "widgets/base/icons.h"
#include "widgets/base/theme.h"

namespace ts {

PrimaryButton::PrimaryButton(const QString& iconName, const QString& text, QWidget* parent)
    : QPushButton(text, parent), iconName_(iconName) {
  setCursor(Qt::PointingHandCursor);
}

void PrimaryButton::setIconName(const QString& iconName) {
  iconName_ = iconName;
  update();
}

QSize PrimaryButton::sizeHint() const {
  const int words = fontMetrics().horizontalAdvance(text().remove(QLatin1Char('&')));
  return {words + (iconName_.isEmpty() ? 28 : 50), std::max(30, QPushButton::sizeHint().height())};
}

void PrimaryButton::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  QColor fill = palette().color(isEnabled() ? QPalette::Normal : QPalette::Disabled, QPalette::Highlight);
  if (isDown()) fill = fill.darker(115);
  else if (underMouse() && isEnabled()) fill = fill.lighter(112);
  const QColor ink = palette().color(isEnabled() ? QPalette::Normal : QPalette::Disabled, QPalette::HighlightedText);
  painter.setPen(Qt::NoPen);
  painter.setBrush(fill);
  painter.drawRoundedRect(QRectF(rect()), 5, 5);
  const QString words = text();
  const int width = fontMetrics().horizontalAdvance(QString(words).remove(QLatin1Char('&')));
  const int iconWidth = iconName_.isEmpty() ? 0 : 22;
  int x = (this->width() - width - iconWidth) / 2;
  if (iconWidth) ts::icon(iconName_, ink).paint(&painter, QRect(x, (height() - 16) / 2, 16, 16));
  x += iconWidth;
  painter.setPen(ink);
  painter.drawText(QRect(x, 0, width + 4, height()), Qt::AlignVCenter | Qt::TextShowMnemonic, words);
  if (hasFocus()) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(ink, 1, Qt::DotLine));
    painter.drawRoundedRect(QRectF(rect()).adjusted(2.5, 2.5, -2.5, -2.5), 3, 3);
  }
}

QToolButton* iconButton(const QString& iconName, const QString& text, QWidget* parent) {
  auto* button = new QToolButton(parent);
  button->setIcon(icon(iconName));
  button->setToolTip(text);
  button->setAccessibleName(text);
  button->setAutoRaise(true);
  button->setIconSize(QSize(18, 18));
  return button;
}

Switch::Switch(const QString& accessibleName, QWidget* parent) : QAbstractButton(parent) {
  setCheckable(true);
  setAccessibleName(accessibleName);
  setCursor(Qt::PointingHandCursor);
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void Switch::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF track = QRectF(rect()).adjusted(1.5, 2.5, -1.5, -2.5);
  const bool on = isChecked();
  const auto group = isEnabled() ? QPalette::Normal : QPalette::Disabled;
  QColor fill = on ? palette().color(group, QPalette::Highlight) : palette().color(QPalette::Button);
  painter.setPen(QPen(on ? fill : borderColour(palette()).darker(isDark(palette()) ? 70 : 125), 1));
  painter.setBrush(fill);
  painter.drawRoundedRect(track, track.height() / 2, track.height() / 2);
  const double d = track.height() - 5;
  const QRectF knob(on ? track.right() - d - 2.5 : track.left() + 2.5, track.top() + 2.5, d, d);
  painter.setPen(Qt::NoPen);
  painter.setBrush(on ? palette().color(QPalette::HighlightedText) : mutedText(palette()));
  painter.drawEllipse(knob);
  if (on) {
    painter.setPen(QPen(palette().color(QPalette::HighlightedText), 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    const QPointF c(track.left() + 9, track.center().y());
    painter.drawPolyline(QPolygonF{c + QPointF(-3, 0), c + QPointF(-0.8, 2.4), c + QPointF(3.4, -2.4)});
  }
  if (hasFocus()) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 9, 9);
  }
}

}  // namespace ts
