// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/memory_bar.h"

#include <QPainter>
#include <QPainterPath>

#include "widgets/base/text.h"
#include "widgets/base/theme.h"

namespace ts {

MemoryBar::MemoryBar(QWidget* parent) : QWidget(parent) { setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed); }

void MemoryBar::set(const MemoryForecast& forecast) {
  forecast_ = forecast;
  setAccessibleName(tr("Memory forecast: %1 in total; weights %2, key/value rows %3, scratch %4")
                        .arg(bytesText(static_cast<double>(forecast.total())), bytesText(static_cast<double>(forecast.weights)),
                             bytesText(static_cast<double>(forecast.kv)), bytesText(static_cast<double>(forecast.scratch))));
  update();
}

QSize MemoryBar::sizeHint() const { return {320, 22 + 8 + 3 * (fontMetrics().height() + 4)}; }

void MemoryBar::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  struct Part {
    QString name;
    std::uint64_t bytes;
    int colour;
    Qt::BrushStyle style;
  };
  const Part parts[] = {{tr("Weights"), forecast_.weights, 1, Qt::SolidPattern},
                        {tr("Key/value rows"), forecast_.kv, 5, Qt::BDiagPattern},
                        {tr("Scratch (estimate)"), forecast_.scratch, 0, Qt::Dense4Pattern}};
  const QRectF bar(0.5, 0.5, width() - 1, 20);
  QPainterPath outline;
  outline.addRoundedRect(bar, 4, 4);
  painter.setClipPath(outline);
  double x = bar.left();
  const double total = std::max<double>(1, static_cast<double>(forecast_.total()));
  for (const Part& part : parts) {
    const double w = bar.width() * static_cast<double>(part.bytes) / total;
    const QColor colour = seriesColour(part.colour, palette());
    QColor ground = colour;
    ground.setAlpha(part.style == Qt::SolidPattern ? 255 : 90);
    painter.fillRect(QRectF(x, bar.top(), w, bar.height()), ground);
    if (part.style != Qt::SolidPattern) painter.fillRect(QRectF(x, bar.top(), w, bar.height()), QBrush(colour, part.style));
    x += w;
  }
  painter.setClipping(false);
  painter.setPen(borderColour(palette()));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(bar, 4, 4);
  double y = 30;
  const int line = fontMetrics().height() + 4;
  for (const Part& part : parts) {
    const QColor colour = seriesColour(part.colour, palette());
    QColor ground = colour;
    ground.setAlpha(part.style == Qt::SolidPattern ? 255 : 90);
    const QRectF chip(0, y + (line - 12) / 2.0, 12, 12);
    painter.fillRect(chip, ground);
    if (part.style != Qt::SolidPattern) painter.fillRect(chip, QBrush(colour, part.style));
    painter.setPen(palette().color(QPalette::Text));
    painter.drawText(QRectF(20, y, width() - 20, line), Qt::AlignVCenter | Qt::AlignLeft, part.name);
    painter.drawText(QRectF(0, y, width(), line), Qt::AlignVCenter | Qt::AlignRight, bytesText(static_cast<double>(part.bytes)));
    y += line;
  }
}

}  // namespace ts
