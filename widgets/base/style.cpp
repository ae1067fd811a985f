// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/style.h"

#include <QAbstractSpinBox>
#include <QPainter>
#include <QStyleFactory>
#include <QStyleOption>

#include "widgets/base/theme.h"

namespace ts {
namespace {

constexpr int kScrollBar = 11;

QColor fieldBorder(const QStyleOption* option) {
  const bool focused = option->state & QStyle::State_HasFocus && option->state & QStyle::State_Enabled;
  if (focused) return option->palette.color(QPalette::Highlight);
  return isDark(option->palette) ? borderColour(option->palette).lighter(125) : borderColour(option->palette).darker(112);
}

void drawButtonPanel(const QStyleOption* option, QPainter* painter) {
  const bool pressed = option->state & (QStyle::State_Sunken | QStyle::State_On), enabled = option->state & QStyle::State_Enabled;
  QColor fill = option->palette.color(QPalette::Button);
  if (pressed) fill = fill.darker(isDark(option->palette) ? 125 : 108);
  else if (option->state & QStyle::State_MouseOver && enabled) fill = isDark(option->palette) ? fill.lighter(118) : fill.darker(103);
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(fieldBorder(option));
  painter->setBrush(fill);
  painter->drawRoundedRect(QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5);
  painter->restore();
}

void drawCheck(const QStyleOption* option, QPainter* painter) {
  const bool on = option->state & QStyle::State_On, enabled = option->state & QStyle::State_Enabled;
  const auto group = enabled ? QPalette::Normal : QPalette::Disabled;
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(on ? option->palette.color(group, QPalette::Highlight) : fieldBorder(option));
  painter->setBrush(on ? option->palette.brush(group, QPalette::Highlight) : option->palette.brush(group, QPalette::Base));
  const QRectF box = QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5);
  painter->drawRoundedRect(box, 3, 3);
  if (on) {
    painter->setPen(QPen(option->palette.color(QPalette::HighlightedText), 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    const double w = box.width(), h = box.height();
    painter->drawPolyline(QPolygonF{box.topLeft() + QPointF(w * 0.24, h * 0.53), box.topLeft() + QPointF(w * 0.43, h * 0.72), box.topLeft() + QPointF(w * 0.77, h * 0.3)});
  }
  painter->restore();
}

void drawArrow(QPainter* painter, const QRect& rect, bool up, const QColor& colour) {
  painter->setPen(QPen(colour, 1.4, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  const QPointF c = QRectF(rect).center();
  const double s = up ? -1 : 1;
  painter->drawPolyline(QPolygonF{c + QPointF(-3, -1.5 * s), c + QPointF(0, 1.5 * s), c + QPointF(3, -1.5 * s)});
}

/// A button's picture and words with room between them.
void drawButtonLabel(const QStyleOptionButton* button, QPainter* painter, const QStyle* style) {
  constexpr int gap = 7;
  const bool enabled = button->state & QStyle::State_Enabled;
  const int side = button->icon.isNull() ? 0 : button->iconSize.width();
  const int words = button->text.isEmpty() ? 0 : button->fontMetrics.size(Qt::TextShowMnemonic, button->text).width();
  int x = button->rect.left() + (button->rect.width() - side - words - (side && words ? gap : 0)) / 2;
  if (side) button->icon.paint(painter, QRect(x, button->rect.center().y() - side / 2 + 1, side, side), Qt::AlignCenter, enabled ? QIcon::Normal : QIcon::Disabled);
  x += side ? side + gap : 0;
  style->drawItemText(painter, QRect(x, button->rect.top(), words + 4, button->rect.height()), Qt::AlignVCenter | Qt::TextShowMnemonic, button->palette, enabled, button->text, QPalette::ButtonText);
}

}  // namespace

Style::Style() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {}

void Style::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter, const QWidget* widget) const {
  switch (element) {
    case PE_PanelButtonCommand: {
      const auto* button = qstyleoption_cast<const QStyleOptionButton*>(option);
      if (button && button->features & QStyleOptionButton::Flat && !(option->state & (State_MouseOver | State_Sunken | State_HasFocus))) return;
      return drawButtonPanel(option, painter);
    }
    case PE_FrameLineEdit:
      painter->save();
      painter->setRenderHint(QPainter::Antialiasing);
      painter->setPen(fieldBorder(option));
      painter->setBrush(Qt::NoBrush);
      painter->drawRoundedRect(QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
      painter->restore();
      return;
    case PE_Frame:
      if (const auto* frame = qstyleoption_cast<const QStyleOptionFrame*>(option); !frame || frame->frameShape != QFrame::StyledPanel) break;
      painter->save();
      painter->setRenderHint(QPainter::Antialiasing);
      painter->setPen(fieldBorder(option));
      painter->setBrush(Qt::NoBrush);
      painter->drawRoundedRect(QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
      painter->restore();
      return;
    case PE_IndicatorCheckBox: return drawCheck(option, painter);
    case PE_FrameFocusRect:
    case PE_PanelScrollAreaCorner:
    case PE_FrameStatusBarItem: return;  // fields and buttons show the focus by their border
    default: break;
  }
  QProxyStyle::drawPrimitive(element, option, painter, widget);
}

void Style::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter, const QWidget* widget) const {
  if (element == CE_HeaderSection || element == CE_HeaderEmptyArea) {
    painter->fillRect(option->rect, option->palette.color(QPalette::Base));
    painter->fillRect(QRect(option->rect.left(), option->rect.bottom(), option->rect.width(), 1), borderColour(option->palette));
    return;
  }
  if (element == CE_HeaderLabel) {
    if (const auto* header = qstyleoption_cast<const QStyleOptionHeader*>(option)) {
      QStyleOptionHeaderV2 muted;
      static_cast<QStyleOptionHeader&>(muted) = *header;
      muted.palette.setColor(QPalette::ButtonText, mutedText(option->palette));
      return QProxyStyle::drawControl(element, &muted, painter, widget);
    }
  }
  if (const auto* button = element == CE_PushButtonLabel ? qstyleoption_cast<const QStyleOptionButton*>(option) : nullptr;
      button && !(button->features & QStyleOptionButton::HasMenu))
    return drawButtonLabel(button, painter, this);
  if (element == CE_TabBarTabShape) {
    QColor ground = option->palette.color(QPalette::Text);
    ground.setAlphaF(0.06f);
    if (option->state & State_MouseOver && !(option->state & State_Selected)) painter->fillRect(option->rect.adjusted(0, 2, 0, -2), ground);
    const QRect line(option->rect.left() + 6, option->rect.bottom() - 2, option->rect.width() - 12, 3);
    if (option->state & State_Selected) painter->fillRect(line, option->palette.color(QPalette::Highlight));
    return;
  }
  if (element == CE_Splitter) return;
  QProxyStyle::drawControl(element, option, painter, widget);
}

void Style::drawComplexControl(ComplexControl control, const QStyleOptionComplex* option, QPainter* painter, const QWidget* widget) const {
  if (const auto* spin = control == CC_SpinBox ? qstyleoption_cast<const QStyleOptionSpinBox*>(option) : nullptr) {
    const bool enabled = option->state & State_Enabled;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(fieldBorder(option));
    painter->setBrush(option->palette.brush(enabled ? QPalette::Normal : QPalette::Disabled, QPalette::Base));
    painter->drawRoundedRect(QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
    const auto arrow = [&](SubControl which, QAbstractSpinBox::StepEnabledFlag step, bool up) {
      QColor colour = mutedText(option->palette);
      if (!(spin->stepEnabled & step) || !enabled) colour.setAlpha(80);
      else if (option->activeSubControls & which) colour = option->palette.color(QPalette::Text);
      drawArrow(painter, subControlRect(CC_SpinBox, option, which, widget), up, colour);
    };
    arrow(SC_SpinBoxUp, QAbstractSpinBox::StepUpEnabled, true);
    arrow(SC_SpinBoxDown, QAbstractSpinBox::StepDownEnabled, false);
    painter->restore();
    return;
  }
  if (control != CC_ScrollBar) return QProxyStyle::drawComplexControl(control, option, painter, widget);
  const auto* slider = qstyleoption_cast<const QStyleOptionSlider*>(option);
  if (!slider || slider->minimum == slider->maximum) return;
  const QRectF handle = QRectF(subControlRect(CC_ScrollBar, option, SC_ScrollBarSlider, widget)).adjusted(2, 2, -2, -2);
  QColor colour = mutedText(option->palette);
  const bool active = option->state & State_MouseOver || option->activeSubControls & SC_ScrollBarSlider;
  colour.setAlpha(active ? 190 : 105);
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(Qt::NoPen);
  painter->setBrush(colour);
  const double radius = std::min(handle.width(), handle.height()) / 2;
  painter->drawRoundedRect(handle, radius, radius);
  painter->restore();
}

int Style::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
  switch (metric) {
    case PM_ScrollBarExtent: return kScrollBar;
    case PM_ScrollBarSliderMin: return 32;
    case PM_ButtonIconSize: return 16;
    case PM_HeaderMargin: return 6;
    default: return QProxyStyle::pixelMetric(metric, option, widget);
  }
}

QRect Style::subControlRect(ComplexControl control, const QStyleOptionComplex* option, SubControl sub, const QWidget* widget) const {
  const auto* bar = control == CC_ScrollBar ? qstyleoption_cast<const QStyleOptionSlider*>(option) : nullptr;
  if (!bar) return QProxyStyle::subControlRect(control, option, sub, widget);
  const QRect& whole = bar->rect;
  const bool across = bar->orientation == Qt::Horizontal;
  const int length = across ? whole.width() : whole.height();
  const qint64 range = static_cast<qint64>(bar->maximum) - bar->minimum;
  const int handle = range > 0 ? std::clamp(static_cast<int>(static_cast<qint64>(bar->pageStep) * length / (range + bar->pageStep)), std::min(32, length), length) : length;
  const int start = sliderPositionFromValue(bar->minimum, bar->maximum, bar->sliderPosition, length - handle, bar->upsideDown);
  const auto part = [&](int from, int size) {
    return visualRect(bar->direction, whole, across ? QRect(whole.left() + from, whole.top(), size, whole.height()) : QRect(whole.left(), whole.top() + from, whole.width(), size));
  };
  switch (sub) {
    case SC_ScrollBarSlider: return part(start, handle);
    case SC_ScrollBarGroove: return whole;
    case SC_ScrollBarSubPage: return part(0, start);
    case SC_ScrollBarAddPage: return part(start + handle, length - start - handle);
    default: return {};
  }
}

QSize Style::sizeFromContents(ContentsType type, const QStyleOption* option, const QSize& size, const QWidget* widget) const {
  QSize result = QProxyStyle::sizeFromContents(type, option, size, widget);
  if (type == CT_PushButton) result = QSize(result.width() + 14, std::max(result.height(), 28));
  if (type == CT_LineEdit || type == CT_ComboBox || type == CT_SpinBox) result.setHeight(std::max(result.height(), 26));
  return result;
}

}  // namespace ts
