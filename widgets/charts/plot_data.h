// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>
#include <cstdint>
#include <functional>
#include <optional>

namespace ts {

enum class Marker { Circle, Square, Diamond, Triangle, Star, Pentagon };

/// A class of points: one colour (index of seriesColour) and one shape, so that neither is needed to tell it apart.
struct PlotSeries {
  QString title;
  int colour = 0;
  Marker marker = Marker::Circle;
};

struct PlotPoint {
  std::int64_t id = 0;
  double x = 0, y = 0;
  double xError = 0, yError = 0;  ///< half length of the bar; 0: none
  int series = 0;
  bool onFront = false;
  bool feasible = true;  ///< within the limits
  QString label;         ///< short name; shown in the tip and beside the knee
};

struct PlotAxis {
  QString title;
  bool logarithmic = false;
  bool higherIsBetter = false;
  std::optional<double> limit;  ///< drawn as a line; the far side is not wanted
  std::function<QString(double)> label;
};

/// What a PlotView draws, as a value: no chart library in sight.
struct PlotData {
  PlotAxis x, y;
  QList<PlotSeries> series;
  QList<PlotPoint> points;
  QList<int> front;         ///< indices into points, along the front by x
  std::optional<int> knee;  ///< index into points
  bool errorBars = true;
  bool focusOnFront = false;  ///< the axes cover the front only; other points may fall outside
};

/// Values that cannot be drawn on the axes (not finite, or not positive on a logarithmic axis) are left out.
bool drawable(const PlotData& data, const PlotPoint& point);

}  // namespace ts
