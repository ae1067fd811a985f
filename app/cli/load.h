// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "app/cli/plan_flags.h"
#include "app/cli/progress.h"
#include "engine/core/machine_lock.h"
#include "engine/core/thread_pool.h"
#include "engine/formats/checkpoint.h"
#include "engine/model/model.h"
#include "engine/transforms/transform.h"

namespace ts::cli {

/// A model loaded for a plan: the plan was checked against it and its weight recipe applied.
struct Loaded {
  Plan plan;
  std::unique_ptr<ThreadPool> pool;
  Checkpoint checkpoint;
  std::shared_ptr<const Model> dense;     ///< as stored in the file
  std::shared_ptr<const Model> prepared;  ///< with the recipe applied; the same as dense without one
  TransformReport report;                 ///< what the recipe did
};
Result<Loaded> load(Shell& shell, const std::string& model, const PlanFlags& flags, Progress& progress);

/// The machine, shared with other programs that work or alone to measure; says so while it must wait.
Result<MachineHold> holdFor(MachineUse use, Shell& shell, Progress& progress);
/// For hooks between two items: makes way for a program that wants to measure.
void giveWay(MachineHold& hold, Shell& shell, Progress& progress);

/// The strategies of a plan in one line; "dense" for the default plan.
std::string planText(const Plan& plan);

}  // namespace ts::cli
