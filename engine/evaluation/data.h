// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace ts {

/// A task's data as it lies in memory.
struct TaskData {
  std::string bytes;
  std::string where;        ///< the file, for messages
  std::string fingerprint;  ///< XXH3-128 of the (unpacked) bytes, hex
};

/// Reads `path`, unpacking .xz. Errors: missing, broken, or more than 1 GiB unpacked.
Result<TaskData> readTaskData(const std::filesystem::path& path);

/// Calls line(number, object) for each non-empty line, numbers from 0, until it returns an error or `limit` (0: none) lines
/// were read. Errors name the line (from 1) and what is wrong with it.
Result<void> eachJsonLine(const TaskData& data, std::int64_t limit,
                          const std::function<Result<void>(std::int64_t number, const nlohmann::json& object)>& line);

}  // namespace ts
