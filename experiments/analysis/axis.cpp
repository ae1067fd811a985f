// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/axis.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "experiments/store/metrics.h"

namespace ts {
namespace {

constexpr double kLogarithmicFrom = 30;  // ratio of the largest to the smallest value

/// 1, 2 or 5 times a power of ten: the step that gives about `count` ticks.
double roundStep(double range, int count) {
  const double raw = range / count, power = std::pow(10, std::floor(std::log10(raw))), digit = raw / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

std::string plain(double value, int decimals) {
  char text[64];
  const bool scientific = value != 0 && (std::abs(value) >= 1e7 || std::abs(value) < 1e-4);
  const auto end = scientific ? std::to_chars(text, text + sizeof text, value).ptr
                              : std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr;
  return {text, end};
}

}  // namespace

double Axis::position(double value) const {
  if (logarithmic) return value > 0 ? std::log(value / low) / std::log(high / low) : 0;
  return (value - low) / (high - low);
}

Axis axisFor(std::string_view metric, const std::vector<double>& values, int ticks) {
  Axis axis;
  double low = 0, high = 1;
  if (!values.empty()) {
    const auto [least, most] = std::ranges::minmax(values);
    low = least;
    high = most;
  }
  if (low == high) {
    const double air = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= air;
    high += air;
  }
  axis.logarithmic = low > 0 && high / low > kLogarithmicFrom;

  double unit = 1;
  std::string unitName = unitOf(metric);
  if (unitName == "bytes") {
    const double size = std::max(std::abs(low), std::abs(high));
    unit = size >= 1e9 ? 1e9 : size >= 1e6 ? 1e6 : size >= 1e3 ? 1e3 : 1;
    unitName = unit == 1e9 ? "GB" : unit == 1e6 ? "MB" : unit == 1e3 ? "kB" : "bytes";
  }
  axis.title = titleOf(metric) + (unitName.empty() ? "" : " (" + unitName + ")");

  if (axis.logarithmic) {
    const double air = std::pow(high / low, 0.05);
    axis.low = low / air;
    axis.high = high * air;
    const bool dense = std::log10(high / low) < 3;
    for (int power = static_cast<int>(std::floor(std::log10(axis.low / unit))); power <= std::log10(axis.high / unit);
         ++power)
      for (const int digit : {1, 2, 5}) {
        const double value = digit * std::pow(10, power);
        if ((digit == 1 || dense) && value * unit >= axis.low && value * unit <= axis.high)
          axis.ticks.push_back({value * unit, plain(value, std::max(0, -power))});
      }
    return axis;
  }
  const double air = (high - low) * 0.06;
  axis.low = low >= 0 && low - air < 0 ? 0 : low - air;
  axis.high = high + air;
  const double step = roundStep((axis.high - axis.low) / unit, ticks);
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  for (double i = std::ceil(axis.low / unit / step - 1e-9); i * step * unit <= axis.high; ++i)
    axis.ticks.push_back({i * step * unit, plain(i * step, decimals)});
  return axis;
}

}  // namespace ts
