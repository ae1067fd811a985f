// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "app/cli/shell.h"
#include "engine/session/plan.h"

namespace ts::cli {

/// The words for strategies, the same for every verb that runs a model.
struct PlanFlags {
  std::vector<std::string> weights, kv, sample;
  std::string decode, search;
  std::string activations = "f32";
  int threads = 0;
};

/// Declares them. What a registry can tell (unknown strategies, parameters out of range) is bad usage, said while parsing.
void addPlanFlags(Verb& verb, PlanFlags& flags);
void addWeightFlags(Verb& verb, PlanFlags& flags);  ///< --weights and --threads only
Result<Plan> planOf(const PlanFlags& flags);

}  // namespace ts::cli
