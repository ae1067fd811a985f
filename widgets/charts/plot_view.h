// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <cstdint>
#include <memory>

#include "widgets/charts/plot_data.h"

class QPainter;

namespace ts {

/// A scatter chart with a front, error bars and limits. The chart library (Qt Charts) is behind this header only.
///
/// Mouse: a click picks a point, with Ctrl it adds one, dragging a frame brushes the points inside.
/// Keyboard: Left and Right walk along the front, Enter opens the point.
class PlotView : public QWidget {
  Q_OBJECT
 public:
  explicit PlotView(QWidget* parent = nullptr);
  ~PlotView() override;

  void setData(PlotData data);  ///< several calls in a row are drawn once
  const PlotData& data() const { return data_; }
  void setSelected(const QList<std::int64_t>& ids);
  void flush();  ///< draws what is waiting now (exports, tests)

  /// Where a point is drawn, in this widget's coordinates; null when it is not there.
  QPointF positionOf(std::int64_t id) const;
  void render(QPainter& painter, const QRectF& target);

 Q_SIGNALS:
  void picked(std::int64_t id, bool add);
  void activated(std::int64_t id);
  void brushed(const QList<std::int64_t>& ids);

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void changeEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void schedule();
  void rebuild();
  QRectF legendArea() const;
  void placeLegend();
  const PlotPoint* nearest(const QPoint& viewportPosition, double radius) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
  PlotData data_;
  QList<std::int64_t> selected_;
};

}  // namespace ts
