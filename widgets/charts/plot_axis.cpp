// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/charts/plot_axis.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ts {
namespace {

/// 1, 2 or 5 times a power of ten.
double niceStep(double range, int wanted) {
  const double raw = range / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double f = raw / power;
  return power * (f <= 1.4 ? 1 : f <= 3 ? 2 : f <= 7 ? 5 : 10);
}

QList<double> linearTicks(double low, double high, int wanted) {
  const double step = niceStep(high - low, wanted);
  QList<double> values;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k) values << (std::abs(k) < 1e-9 ? 0.0 : k * step);
  return values;
}

QList<double> logarithmicTicks(double low, double high, int wanted) {  // in values
  const double decades = std::log10(high / low);
  if (decades < 0.8) return linearTicks(low, high, wanted);
  const int first = static_cast<int>(std::floor(std::log10(low))), last = static_cast<int>(std::ceil(std::log10(high)));
  const int every = std::max(1, static_cast<int>(std::ceil(decades / wanted)));
  QList<double> values;
  for (int d = first; d <= last; ++d) {
    if (d % every) continue;
    for (const double m : {1.0, 2.0, 5.0}) {
      if (m != 1.0 && decades > 2.2) continue;
      const double v = m * std::pow(10.0, d);
      if (v >= low * 0.9999 && v <= high * 1.0001) values << v;
    }
  }
  return values;
}

}  // namespace

double AxisScale::position(double value) const {
  if (!logarithmic) return value;
  return value > 0 ? std::log10(value) : std::numeric_limits<double>::quiet_NaN();
}

AxisScale makeScale(double lowest, double highest, bool logarithmic, const std::function<QString(double)>& label, int wanted) {
  AxisScale scale;
  scale.logarithmic = logarithmic;
  if (logarithmic && !(lowest > 0)) lowest = 1e-6;
  if (!(highest > lowest)) {
    const double widen = lowest == 0 ? 1 : std::abs(lowest) * 0.1;
    highest = lowest + widen;
    lowest = logarithmic ? lowest / 1.1 : lowest - widen;
  }
  scale.low = scale.position(lowest);
  scale.high = scale.position(highest);
  const double margin = (scale.high - scale.low) * 0.06;
  scale.low -= margin;
  scale.high += margin;
  if (!logarithmic && lowest >= 0) scale.low = std::max(scale.low, lowest < margin * 4 ? 0.0 : scale.low);
  const double from = logarithmic ? std::pow(10.0, scale.low) : scale.low, to = logarithmic ? std::pow(10.0, scale.high) : scale.high;
  for (const double v : logarithmic ? logarithmicTicks(from, to, wanted) : linearTicks(from, to, wanted))
    scale.ticks << AxisScale::Tick{scale.position(v), label ? label(v) : QString::number(v)};
  return scale;
}

}  // namespace ts
