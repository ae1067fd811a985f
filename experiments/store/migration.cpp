// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/migration.h"

#include <SQLiteCpp/Backup.h>
#include <sqlite3.h>

#include <system_error>
#include <thread>

namespace ts {
namespace {

namespace fs = std::filesystem;

int versionOf(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

constexpr std::chrono::seconds kPatience(5);

Result<fs::path> backUp(SQLite::Database& database, const fs::path& path, int version) {
  fs::path copy;
  std::error_code error;
  for (int attempt = 0;; ++attempt) {
    copy = path.string() + ".v" + std::to_string(version) + (attempt ? "." + std::to_string(attempt) : "") + ".bak";
    if (!fs::exists(copy, error)) break;
  }
  const fs::path part = copy.string() + ".part";
  std::string problem;
  try {
    fs::remove(part, error);
    SQLite::Database target(part.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    if (const auto copied = copyDatabase(database, target, kPatience); !copied) problem = copied.error().message;
  } catch (const std::exception& exception) {
    problem = exception.what();
  }
  if (problem.empty()) {
    fs::rename(part, copy, error);
    if (!error) return copy;
    problem = error.message();
  }
  fs::remove(part, error);
  return fail(ErrorKind::Io,
              "the store is of an older version and could not be backed up before upgrading (" + problem +
                  "); nothing was changed",
              copy.string());
}

}  // namespace

Result<void> copyDatabase(SQLite::Database& from, SQLite::Database& to, std::chrono::milliseconds patience) {
  SQLite::Backup backup(to, from);
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    // OK: more pages to come; BUSY and LOCKED are not thrown and mean that nothing was copied this time.
    const int code = backup.executeStep();
    if (code == SQLITE_DONE) return {};
    if (code == SQLITE_OK) continue;
    if (std::chrono::steady_clock::now() >= until)
      return fail(ErrorKind::Io, "another program kept it locked; try again when that is done");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

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
