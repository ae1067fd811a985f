// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>
#include <functional>

namespace ts {

/// Ticks and range of one axis. On a logarithmic axis positions are log10 of the values, so the chart itself is linear:
/// ticks exist inside one decade too, and bad values cannot hide a series.
struct AxisScale {
  struct Tick {
    double position;
    QString label;
  };
  double low = 0, high = 1;  ///< positions
  bool logarithmic = false;
  QList<Tick> ticks;

  double position(double value) const;
};

/// A scale that covers the values with a margin and has about `wanted` round ticks.
AxisScale makeScale(double lowest, double highest, bool logarithmic, const std::function<QString(double)>& label, int wanted = 6);

}  // namespace ts
