// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <utility>

#include "experiments/store/database.h"
#include "experiments/store/owner.h"
#include "experiments/store/store.h"

namespace ts {

struct Store::Impl {
  std::filesystem::path path;
  std::vector<std::string> notices;
  mutable std::unique_ptr<SQLite::Database> database;
  Owner owner;

  Result<std::string> ownerId();  ///< of this Store; it becomes one when it is first asked

  std::string where() const { return path.empty() ? "store in memory" : path.string(); }

  /// Runs `work` in one transaction; an exception undoes it and becomes our error.
  template <class Work>
  auto write(Work&& work) -> Result<decltype(work(*database))> {
    try {
      SQLite::Transaction transaction(*database, SQLite::TransactionBehavior::IMMEDIATE);
      if constexpr (std::is_void_v<decltype(work(*database))>) {
        work(*database);
        transaction.commit();
        return {};
      } else {
        auto value = work(*database);
        transaction.commit();
        return value;
      }
    } catch (const SQLite::Exception& exception) {
      return tl::unexpected(databaseError(exception, where()));
    }
  }

  /// Runs `work` over one unchanging view of the file.
  template <class Work>
  auto read(Work&& work) const -> Result<decltype(work(*database))> {
    try {
      SQLite::Transaction transaction(*database, SQLite::TransactionBehavior::DEFERRED);
      return work(*database);
    } catch (const SQLite::Exception& exception) {
      return tl::unexpected(databaseError(exception, where()));
    }
  }
};

/// Runs whose row r meets `condition`, which has at most one parameter, ?1. Those left behind read as interrupted.
std::vector<RunRecord> loadRuns(SQLite::Database& database, const std::filesystem::path& path, const std::string& condition);
std::vector<RunRecord> loadRuns(SQLite::Database& database, const std::filesystem::path& path, const std::string& condition,
                                const std::string& parameter);
std::vector<RunRecord> loadRuns(SQLite::Database& database, const std::filesystem::path& path, const std::string& condition,
                                std::int64_t parameter);
/// What to tell of a run that was in `state` when its program ended.
const char* leftBehind(RunState state);

/// SQLite has no NaN; what is not a finite number is stored as NULL.
inline void bindNumber(SQLite::Statement& statement, int index, double value) {
  if (std::isfinite(value))
    statement.bind(index, value);
  else
    statement.bind(index);
}

/// The current time as ISO 8601 in UTC, as an SQL expression.
inline constexpr const char* kNow = "strftime('%Y-%m-%dT%H:%M:%fZ','now')";

}  // namespace ts
