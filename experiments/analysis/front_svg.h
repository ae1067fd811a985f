// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "experiments/analysis/front.h"

namespace ts {

struct FrontDrawing {
  std::string title;
  std::string x, y;  ///< metrics; name the axes and choose their units
  int width = 960, height = 600;
};

/// The front as an SVG document: axes with round ticks (logarithmic where the values span more than a factor of 30),
/// error bars, the front's line, its knee and the names of its runs; every point tells its run and values on hovering.
std::string frontSvg(const Front& front, const std::vector<RunRecord>& runs, const FrontDrawing& drawing);

}  // namespace ts
