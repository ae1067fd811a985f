// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "experiments/store/database.h"

namespace ts {

/// Refuses other programs' databases and versions newer than the last of `steps`. Reads only.
Result<void> checkVersion(SQLite::Database& database, std::span<const SchemaStep> steps,
                          const std::filesystem::path& path);

/// Brings the database to the last of `steps` in one transaction. An older file (not a new one) is first checked as a
/// whole and copied to `FILE.vN.bak` beside it; what was done is told in `notices`. On an error the file is as it was.
/// May throw SQLite::Exception. An empty `path` means a database in memory.
Result<void> migrate(SQLite::Database& database, std::span<const SchemaStep> steps, const std::filesystem::path& path,
                     std::vector<std::string>& notices);

}  // namespace ts
