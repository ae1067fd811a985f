// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QGraphicsItem>
#include <QPalette>
#include <functional>

#include "widgets/charts/plot_data.h"

namespace ts {

/// Height of the legend over a chart of that width: entries wrap into rows, where the chart library would cut them.
double legendHeight(const PlotData& data, const QFont& font, double width);

/// What the chart library has not got: error bars, limits with the unwanted side hatched, rings around selected points, the
/// knee's name. Part of the scene, so exports have it too.
class PlotOverlay : public QGraphicsItem {
 public:
  explicit PlotOverlay(QGraphicsItem* chart);

  struct State {
    const PlotData* data = nullptr;
    QList<std::int64_t> selected;
    std::int64_t hovered = 0;
    QRectF plotArea, legendArea;
    QPalette palette;
    QFont font;
    std::function<QPointF(double x, double y)> map;  ///< values to scene positions
  };
  void set(State state);
  void setHovered(std::int64_t id);
  const State& state() const { return state_; }

  QRectF boundingRect() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) override;

 private:
  void paintLegend(QPainter& painter) const;
  void paintLimits(QPainter& painter) const;
  void paintErrorBars(QPainter& painter) const;
  void paintRings(QPainter& painter) const;
  State state_;
};

}  // namespace ts
