// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "experiments/spec/sweep.h"

namespace ts {

/// What is known of the plans given out so far: canonical text -> metrics. A plan that was refused or failed has none.
using KnownResults = std::map<std::string, std::map<std::string, double>>;

/// Decides which plans of a sweep's space are measured, in rounds: the next one may depend on what the last one found.
class PlanSource {
 public:
  virtual ~PlanSource() = default;
  /// Plans not given out before; empty when the search is over. The first round begins with the dense baseline.
  virtual Result<std::vector<PlannedRun>> next(const KnownResults& results) = 0;
  /// How many plans there will be in all, as far as that can be told.
  virtual std::int64_t expected() const = 0;
};

/// grid: every plan. random: `budget` plans drawn evenly. sobol: `budget` plans of a Sobol' sequence, which covers the
/// space more evenly than chance. nsga2: `budget` plans that close in on the front of the sweep's objectives. The
/// baseline is not counted.
Result<std::unique_ptr<PlanSource>> makePlanSource(const Sweep& sweep, const std::set<std::string>& modelOffers);

}  // namespace ts
