// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "engine/core/result.h"
#include "engine/evaluation/evaluate.h"

namespace ts {

/// What `tradespace-cli bench --only-memory` says of the plan: the kernel's account of a process that runs it alone. This
/// process is too large to start such a one itself (engine/core/child_process.h), so the program beside it does. Errors: there is
/// no tradespace-cli beside this program, it failed, Cancelled.
Result<std::map<std::string, double>> measuredMemory(const std::string& model, const Plan& plan, const BenchOptions& options,
                                                     const std::stop_token& stop);

}  // namespace ts
