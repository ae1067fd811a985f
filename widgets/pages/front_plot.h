// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/analysis/front.h"
#include "experiments/store/records.h"
#include "widgets/charts/plot_data.h"

namespace ts {

/// What the Front page's controls say.
struct FrontChoice {
  std::string x, y;
  bool xLogarithmic = false, yLogarithmic = false;
  std::optional<double> xLimit, yLimit;  ///< the worst value still wanted
  std::string colourBy = "technique";    ///< or the name of a setting
  bool errorBars = true, focusOnFront = false;
};

/// Limits and runs to a chart. Runs outside a limit are drawn, but cannot be on the front.
struct FrontPicture {
  Front front;
  PlotData plot;
  int outside = 0;  ///< runs beyond a limit
};
FrontPicture makeFrontPicture(const std::vector<RunRecord>& runs, const FrontChoice& choice);

/// The picture in sentences, for screen readers and for the reader in a hurry.
QString describe(const FrontPicture& picture, const std::vector<RunRecord>& runs, const FrontChoice& choice);

/// A number as people type it: "40 MB", "1.5e3", "12,5"; units kB, MB, GB count in powers of ten.
std::optional<double> parseQuantity(const QString& text);

}  // namespace ts
