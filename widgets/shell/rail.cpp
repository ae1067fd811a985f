// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/shell/rail.h"

#include <QAction>
#include <QPainter>
#include <QVBoxLayout>

#include "widgets/base/layout.h"
#include "widgets/base/theme.h"

namespace ts {
namespace {

/// Icon over its name; the page in view has a bar at the left and a filled ground.
class RailButton final : public QAbstractButton {
 public:
  explicit RailButton(QAction* action) : action_(action) {
    setCheckable(true);
    setFocusPolicy(Qt::TabFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    QFont small = font();
    small.setPointSizeF(small.pointSizeF() * 0.88);
    setFont(small);
    const auto follow = [this] {
      setText(action_->iconText());
      setIcon(action_->icon());
      setChecked(action_->isChecked());
      setToolTip(action_->shortcut().isEmpty() ? action_->statusTip()
                                               : action_->statusTip() + QStringLiteral("  (") + action_->shortcut().toString(QKeySequence::NativeText) + QLatin1Char(')'));
      setAccessibleName(action_->iconText());
      update();
    };
    connect(action_, &QAction::changed, this, follow);
    connect(this, &QAbstractButton::clicked, this, [this] {
      action_->trigger();
      setChecked(action_->isChecked());
    });
    follow();
  }
  QSize sizeHint() const override { return {84, 58}; }

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF ground = QRectF(rect()).adjusted(6, 2, -6, -2);
    const QColor accent = palette().color(QPalette::Highlight);
    if (isChecked() || underMouse()) {
      QColor fill = isChecked() ? accent : palette().color(QPalette::Text);
      fill.setAlphaF(isChecked() ? (isDark(palette()) ? 0.26f : 0.12f) : 0.06f);
      painter.setPen(Qt::NoPen);
      painter.setBrush(fill);
      painter.drawRoundedRect(ground, 7, 7);
    }
    if (isChecked()) {
      painter.setBrush(accent);
      painter.drawRoundedRect(QRectF(0, ground.top() + 12, 3, ground.height() - 24), 1.5, 1.5);
    }
    if (hasFocus()) {
      painter.setBrush(Qt::NoBrush);
      painter.setPen(QPen(accent, 1));
      painter.drawRoundedRect(ground, 7, 7);
    }
    icon().paint(&painter, QRect((width() - 22) / 2, 9, 22, 22));
    painter.setPen(palette().color(isChecked() ? QPalette::Text : QPalette::PlaceholderText));
    painter.drawText(QRect(2, 33, width() - 4, 18), Qt::AlignCenter, text());
  }
  void enterEvent(QEnterEvent*) override { update(); }
  void leaveEvent(QEvent*) override { update(); }

 private:
  QAction* action_;
};

}  // namespace

Rail::Rail(QWidget* parent) : QWidget(parent), column_(new QVBoxLayout(this)) {
  column_->setContentsMargins(0, space::kSmall, 1, space::kSmall);
  column_->setSpacing(0);
  setFixedWidth(86);
  setAccessibleName(tr("Pages"));
}

void Rail::addPage(QAction* action) { column_->addWidget(new RailButton(action)); }
void Rail::addStretch() { column_->addStretch(1); }

void Rail::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), palette().color(QPalette::Window).darker(isDark(palette()) ? 115 : 102));
  painter.fillRect(QRect(width() - 1, 0, 1, height()), borderColour(palette()));
}

}  // namespace ts
