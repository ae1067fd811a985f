// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/charts/plot_overlay.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>
#include <cmath>

#include "widgets/base/theme.h"

namespace ts {
namespace {

constexpr double kChip = 11, kGap = 6, kBetween = 18;

/// Calls place(entry, position) for each entry, left to right, row under row; the height they take.
template <class Place>
double layOut(const PlotData& data, const QFont& font, const QRectF& area, Place&& place) {
  const QFontMetricsF metrics(font);
  const double line = metrics.height() + 4;
  double x = 0, y = 0;
  for (int i = 0; i < data.series.size(); ++i) {
    const double width = kChip + kGap + metrics.horizontalAdvance(data.series[i].title);
    if (x > 0 && x + width > area.width()) x = 0, y += line;
    place(i, area.topLeft() + QPointF(x, y));
    x += width + kBetween;
  }
  return y + line;
}

QPolygonF corners(int n, double inner, double turn) {
  QPolygonF shape;
  const int steps = inner < 1 ? 2 * n : n;
  for (int i = 0; i < steps; ++i) {
    const double radius = inner < 1 && i % 2 ? inner : 1, angle = turn + 2 * M_PI * i / steps;
    shape << QPointF(radius * std::sin(angle), -radius * std::cos(angle));
  }
  return shape;
}

void paintMarker(QPainter& painter, Marker marker, const QPointF& centre, double radius) {
  painter.save();
  painter.translate(centre);
  painter.scale(radius, radius);
  switch (marker) {
    case Marker::Circle: painter.drawEllipse(QPointF(), 1, 1); break;
    case Marker::Square: painter.drawRect(QRectF(-0.9, -0.9, 1.8, 1.8)); break;
    case Marker::Diamond: painter.drawPolygon(corners(4, 1, 0)); break;
    case Marker::Triangle: painter.drawPolygon(corners(3, 1, 0)); break;
    case Marker::Star: painter.drawPolygon(corners(5, 0.45, 0)); break;
    case Marker::Pentagon: painter.drawPolygon(corners(5, 1, 0)); break;
  }
  painter.restore();
}

}  // namespace

double legendHeight(const PlotData& data, const QFont& font, double width) {
  return data.series.size() < 2 ? 0 : layOut(data, font, QRectF(0, 0, width, 0), [](int, const QPointF&) {}) + 6;
}

PlotOverlay::PlotOverlay(QGraphicsItem* chart) : QGraphicsItem(chart) { setZValue(50); }

void PlotOverlay::set(State state) {
  prepareGeometryChange();
  state_ = std::move(state);
  update();
}

void PlotOverlay::setHovered(std::int64_t id) {
  if (id == state_.hovered) return;
  state_.hovered = id;
  update();
}

QRectF PlotOverlay::boundingRect() const { return state_.plotArea.united(state_.legendArea).adjusted(-10, -10, 10, 10); }

void PlotOverlay::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  if (!state_.data || !state_.map) return;
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setFont(state_.font);
  paintLegend(*painter);
  painter->setClipRect(state_.plotArea.adjusted(-1, -1, 1, 1));
  paintLimits(*painter);
  if (state_.data->errorBars) paintErrorBars(*painter);
  paintRings(*painter);
  painter->restore();
}

void PlotOverlay::paintLegend(QPainter& painter) const {
  const PlotData& data = *state_.data;
  if (data.series.size() < 2) return;
  const QFontMetricsF metrics(state_.font);
  layOut(data, state_.font, state_.legendArea, [&](int i, const QPointF& at) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(seriesColour(data.series[i].colour, state_.palette));
    paintMarker(painter, data.series[i].marker, at + QPointF(kChip / 2, metrics.height() / 2), kChip / 2);
    painter.setPen(state_.palette.color(QPalette::Text));
    painter.drawText(at + QPointF(kChip + kGap, metrics.ascent()), data.series[i].title);
  });
}

void PlotOverlay::paintLimits(QPainter& painter) const {
  const PlotData& data = *state_.data;
  const QColor colour = toneColour(Tone::Bad, state_.palette);
  QColor hatch = colour;
  hatch.setAlpha(50);
  const QRectF& area = state_.plotArea;
  const auto draw = [&](const PlotAxis& axis, bool vertical) {
    if (!axis.limit) return;
    const QPointF at = vertical ? state_.map(*axis.limit, data.points.isEmpty() ? 1 : data.points.first().y)
                                : state_.map(data.points.isEmpty() ? 1 : data.points.first().x, *axis.limit);
    QRectF unwanted = area;
    if (vertical) (axis.higherIsBetter ? unwanted.setRight(at.x()) : unwanted.setLeft(at.x()));
    else (axis.higherIsBetter ? unwanted.setTop(at.y()) : unwanted.setBottom(at.y()));
    unwanted = unwanted.normalized().intersected(area);
    painter.fillRect(unwanted, QBrush(hatch, Qt::BDiagPattern));
    painter.setPen(QPen(colour, 1.5, Qt::DashLine));
    if (vertical) painter.drawLine(QPointF(at.x(), area.top()), QPointF(at.x(), area.bottom()));
    else painter.drawLine(QPointF(area.left(), at.y()), QPointF(area.right(), at.y()));
  };
  draw(data.x, true);
  draw(data.y, false);
}

void PlotOverlay::paintErrorBars(QPainter& painter) const {
  const PlotData& data = *state_.data;
  for (const PlotPoint& point : data.points) {
    if (!drawable(data, point) || (point.xError <= 0 && point.yError <= 0)) continue;
    QColor colour = seriesColour(data.series.value(point.series).colour, state_.palette);
    colour.setAlphaF(point.onFront ? 0.75f : 0.3f);
    painter.setPen(QPen(colour, 1.2));
    const auto bar = [&](double dx, double dy) {
      const auto clampLow = [](double v, double d, bool log) { return log && v - d <= 0 ? v * 1e-3 : v - d; };
      const QPointF a = state_.map(clampLow(point.x, dx, data.x.logarithmic), clampLow(point.y, dy, data.y.logarithmic));
      const QPointF b = state_.map(point.x + dx, point.y + dy);
      painter.drawLine(a, b);
      const QPointF cap = dx > 0 ? QPointF(0, 3) : QPointF(3, 0);
      painter.drawLine(a - cap, a + cap);
      painter.drawLine(b - cap, b + cap);
    };
    if (point.xError > 0) bar(point.xError, 0);
    if (point.yError > 0) bar(0, point.yError);
  }
}

void PlotOverlay::paintRings(QPainter& painter) const {
  const PlotData& data = *state_.data;
  painter.setBrush(Qt::NoBrush);
  for (int i = 0; i < data.points.size(); ++i) {
    const PlotPoint& point = data.points[i];
    if (!drawable(data, point)) continue;
    const QPointF at = state_.map(point.x, point.y);
    const bool selected = state_.selected.contains(point.id), hovered = point.id == state_.hovered;
    if (selected || hovered) {
      painter.setPen(QPen(state_.palette.color(QPalette::Text), selected ? 2.0 : 1.2));
      painter.drawEllipse(at, 10, 10);
    }
    if (data.knee == i) {
      painter.setPen(QPen(state_.palette.color(QPalette::Text), 1.2, Qt::DotLine));
      painter.drawEllipse(at, 14, 14);
      QFont bold = state_.font;
      bold.setWeight(QFont::DemiBold);
      painter.setFont(bold);
      const QFontMetricsF metrics(bold);
      const QString name = QCoreApplication::translate("ts::plot", "knee: run %1").arg(point.id);
      const double width = metrics.horizontalAdvance(name);
      QPointF corner = at + QPointF(19, metrics.ascent() / 2 - 1);
      if (corner.x() + width > state_.plotArea.right()) corner.setX(at.x() - 19 - width);
      QColor halo = state_.palette.color(QPalette::Base);
      halo.setAlpha(215);
      painter.fillRect(QRectF(corner.x() - 3, corner.y() - metrics.ascent(), width + 6, metrics.height()), halo);
      painter.setPen(state_.palette.color(QPalette::Text));
      painter.drawText(corner, name);
    }
  }
}

}  // namespace ts
