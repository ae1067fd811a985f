// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "experiments/spec/sweep.h"

namespace ts {

/// The constraints that a sweep's text (as a store keeps it) names; none where it cannot be read.
std::vector<Constraint> constraintsOf(const std::string& sweepText);

/// "bytes_total < 4e+07; acc > 0.5": as a run keeps them; and back.
std::string toText(const std::vector<Constraint>& constraints);
std::vector<Constraint> constraintsFrom(const std::string& text);

/// Those that the metrics do not meet ("bytes_total < 40e6"); a metric that was not measured is no violation.
std::vector<std::string> violated(const std::vector<Constraint>& constraints, const std::map<std::string, double>& metrics);

}  // namespace ts
