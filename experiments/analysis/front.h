// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/store/metrics.h"
#include "experiments/store/records.h"

namespace ts {

struct FrontPoint {
  std::int64_t run = 0;
  double x = 0, y = 0;
  double xError = 0, yError = 0;
  bool onFront = false;
};

struct Front {
  std::vector<FrontPoint> points;       ///< every run that has both metrics
  std::vector<std::size_t> front;       ///< indices of the non-dominated ones, by x
  double hypervolume = 0;               ///< relative to `reference`, axes scaled to the points' range
  std::pair<double, double> reference;
  std::optional<std::size_t> knee;      ///< index into points: farthest from the line between the front's ends
};

/// A point is on the front when no other is at least as good in both and better in one.
Front paretoFront(const std::vector<RunRecord>& runs, const std::string& x, const std::string& y);

}  // namespace ts
