// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace ts {

/// How a program that was started and waited for ended.
struct ChildResult {
  int status = 0;               ///< of its exit; 128 + signal when one ended it
  std::uint64_t peakBytes = 0;  ///< its peak resident memory by the kernel's account (ru_maxrss of wait4)
  std::string output;           ///< its standard output
};

/// Starts `program` with `arguments` and waits; asked to stop, ends it. `peakBytes` is only good when this process is small:
/// until it executes the new program, a child counts the pages of its parent. Errors: it could not be started, Cancelled.
Result<ChildResult> runChild(const std::filesystem::path& program, const std::vector<std::string>& arguments, const std::stop_token& stop);

}  // namespace ts
