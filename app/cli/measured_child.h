// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace ts::cli {

/// What a program that was started for one run alone took, by the kernel's account.
struct ChildMemory {
  std::uint64_t peakBytes = 0;  ///< ru_maxrss of wait4()
  std::string output;           ///< its standard output
};

/// Starts this program again with `arguments` and waits. To be called while this process is still small: until it executes
/// the new program, a child counts the pages of its parent. Errors: it could not be started, it failed (with its own
/// message), Cancelled.
Result<ChildMemory> runMeasuredChild(const std::vector<std::string>& arguments, const std::stop_token& stop);

}  // namespace ts::cli
