// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/migration.h"

#include <SQLiteCpp/Backup.h>

#include <system_error>

namespace ts {
namespace {

namespace fs = std::filesystem;

int versionOf(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

/// Through SQLite's own backup, so that a write-ahead log still open is in the copy.
Result<fs::path> backUp(SQLite::Database& database, const fs::path& path, int version) {
  fs::path copy;
  std::error_code error;
  for (int attempt = 0;; ++attempt) {
    copy = path.string() + ".v" + std::to_string(version) + (attempt ? "." + std::to_string(attempt) : "") + ".bak";
    if (!fs::exists(copy, error)) break;
  }
  const fs::path part = copy.string() + ".part";
  try {
    fs::remove(part, error);
    {
      SQLite::Database target(part.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      SQLite::Backup backup(target, database);
      backup.executeStep();
    }
    fs::rename(part, copy);
  } catch (const std::exception& exception) {
    fs::remove(part, error);
    return fail(ErrorKind::Io,
                std::string("the store is of an older version and could not be backed up before upgrading (") +
                    exception.what() + "); nothing was changed",
                copy.string());
  }
  return copy;
}

}  // namespace

Result<void> checkVersion(SQLite::Database& database, std::span<const SchemaStep> steps, const fs::path& path) {
  const int version = versionOf(database);
  const int newest = steps.back().version;
  const int id = database.execAndGet("PRAGMA application_id").getInt();
  const int tables = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt();
  if (tables > 0 && id != kApplicationId)
    return fail("this is a SQLite database of another program, not a Tradespace store", path.string());
  if (version > newest)
    return fail(ErrorKind::Unsupported,
                "the store was written by a newer Tradespace (its version is " + std::to_string(version) +
                    ", this program knows up to " + std::to_string(newest) +
                    "); update the program. Nothing was changed",
                path.string());
  return {};
}

Result<void> migrate(SQLite::Database& database, std::span<const SchemaStep> steps, const fs::path& path,
                     std::vector<std::string>& notices) {
  const int newest = steps.back().version;
  int version = versionOf(database);
  if (version == newest) return {};
  if (version > 0 && !path.empty()) {
    const std::string verdict = database.execAndGet("PRAGMA integrity_check(1)").getString();
    if (verdict != "ok")
      return fail(ErrorKind::Io, "the store is damaged (" + verdict + ") and was not upgraded", path.string());
    TS_CHECK(backUp(database, path, version).map([&](const fs::path& copy) {
      notices.push_back("upgraded from version " + std::to_string(version) + " to " + std::to_string(newest) +
                        "; the file as it was: " + copy.string());
    }));
  }
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::EXCLUSIVE);
  version = versionOf(database);  // another process may have been first
  try {
    for (const SchemaStep& step : steps) {
      if (step.version <= version) continue;
      database.exec(std::string(step.sql));
      database.exec("PRAGMA user_version=" + std::to_string(step.version));
    }
    database.exec("PRAGMA application_id=" + std::to_string(kApplicationId));
    SQLite::Statement broken(database, "PRAGMA foreign_key_check");
    if (broken.executeStep())
      return fail(ErrorKind::Internal,
                  "upgrading the store would break references in table " + broken.getColumn(0).getString() +
                      "; nothing was changed",
                  path.string());
    transaction.commit();
  } catch (const SQLite::Exception& exception) {
    Error error = databaseError(exception, path.string());
    error.message = (version > 0 ? "upgrading the store failed: " : "making the store failed: ") + error.message;
    return tl::unexpected(error);
  }
  return {};
}

}  // namespace ts
