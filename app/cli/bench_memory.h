// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "app/cli/load.h"
#include "app/cli/text.h"
#include "engine/evaluation/evaluate.h"
#include "engine/evaluation/forecast.h"

namespace ts::cli {

/// A run's memory from a process of its own, and what was foretold of it.
struct MeasuredMemory {
  std::uint64_t peakBytes = 0;      ///< while it ran, by wait4()
  std::uint64_t loadPeakBytes = 0;  ///< while the model was opened and its weights transformed
  std::uint64_t programBytes = 0;   ///< before a model was opened
  MemoryUse counted;                ///< the ledger's
  RunForecast forecast;
};

/// Runs the plan once in a child process. Call it before this process has opened a model.
Result<MeasuredMemory> measureMemory(Shell& shell, const std::string& model, const PlanFlags& plan, const BenchOptions& options);
/// The child's side.
Result<Json> runAsChild(Shell& shell, const std::string& model, const PlanFlags& plan, const BenchOptions& options);

Json jsonOf(const MeasuredMemory& memory);
void addMemory(Facts& facts, const MeasuredMemory& memory);

}  // namespace ts::cli
