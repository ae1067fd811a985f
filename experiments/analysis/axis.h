// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ts {

/// An axis for a drawing: which values it covers, whether it is logarithmic, and where its round ticks are.
struct Axis {
  double low = 0, high = 1;  ///< covered values, in the metric's own unit
  bool logarithmic = false;
  std::string title;  ///< "Memory (MB)"
  struct Tick {
    double value;
    std::string text;
  };
  std::vector<Tick> ticks;

  double position(double value) const;  ///< 0 at low, 1 at high
};

/// An axis around `values` (all finite) with some air; about `ticks` round ticks. Bytes are shown in kB, MB or GB.
Axis axisFor(std::string_view metric, const std::vector<double>& values, int ticks = 6);

}  // namespace ts
