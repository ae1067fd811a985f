// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "experiments/store/records.h"

namespace ts {

/// A run's plan in a few words for points, rows and sentences: "q4:group=32 + kv h2o:budget=0.2", or "dense".
std::string shortName(const RunRecord& run);

/// A metric's value as people write it, with its unit: "41.2 MB", "12.5 ms", "7.31", "62.5 %" (for accuracies).
std::string formatValue(std::string_view metric, double value);

}  // namespace ts
