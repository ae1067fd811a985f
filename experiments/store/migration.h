// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "experiments/store/database.h"

namespace ts {

/// Refuses other programs' databases and versions newer than the last of `steps`. Reads only.
Result<void> checkVersion(SQLite::Database& database, std::span<const SchemaStep> steps,
                          const std::filesystem::path& path);

/// Copies every page of `from` over `to` by SQLite's own backup, so that a write-ahead log still open is in the copy.
/// Waits up to `patience` for a program that keeps either locked; says so when it did not let go. May throw
/// SQLite::Exception.
Result<void> copyDatabase(SQLite::Database& from, SQLite::Database& to, std::chrono::milliseconds patience);

/// Brings the database to the last of `steps` in one transaction. An older file (not a new one) is first checked as a
/// whole and copied to `FILE.vN.bak` beside it; what was done is told in `notices`. On an error the file is as it was.
/// May throw SQLite::Exception. An empty `path` means a database in memory.
Result<void> migrate(SQLite::Database& database, std::span<const SchemaStep> steps, const std::filesystem::path& path,
                     std::vector<std::string>& notices);

}  // namespace ts
