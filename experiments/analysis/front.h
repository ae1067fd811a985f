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
  std::vector<FrontPoint> points;  ///< every run that has both metrics
  std::vector<std::size_t> front;  ///< indices of the non-dominated ones, by x
  /// Share of the rectangle around all points that the front dominates, 0 to 1: the 2-D hypervolume relative to
  /// `reference` with both axes scaled to the points' range. 0 when the points span no area.
  double hypervolume = 0;
  std::pair<double, double> reference;  ///< the worst x and the worst y of all points
  /// Index into points: the one of the front farthest, towards the ideal corner, from the line between the front's ends
  /// (axes scaled). Empty when no point lies on that side.
  std::optional<std::size_t> knee;
};

/// A point is on the front when no other is at least as good in both and better in one (so of equal points all are).
/// Runs without a finite value of both metrics are left out.
Front paretoFront(const std::vector<RunRecord>& runs, const std::string& x, const std::string& y);

}  // namespace ts
