// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/database.h"

#include <sqlite3.h>
#include <sys/vfs.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <system_error>

#include "experiments/store/migration.h"

namespace ts {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 5000;
constexpr std::uintmax_t kCheckedBytes = 256u << 20;  // above this a check at every start would be felt

/// A write-ahead log needs memory shared between processes, which network file systems do not give reliably.
std::optional<std::string> networkFileSystem(const fs::path& path) {
  struct statfs info {};
  if (statfs(path.c_str(), &info) != 0) return std::nullopt;
  switch (static_cast<std::uint32_t>(info.f_type)) {
    case 0x6969:
      return "NFS";
    case 0x517B:
    case 0xFE534D42:
    case 0xFF534D42:
      return "SMB";
    case 0x01021997:
      return "9p";
    case 0x00C36400:
      return "Ceph";
    default:
      return std::nullopt;
  }
}

Result<void> checkIsFile(const fs::path& path, bool mustExist) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status))
    return fail("this is a folder; a store is one file, for example " + (path / "runs.db").string(), path.string());
  if (!fs::exists(status)) {
    if (error && status.type() == fs::file_type::none)
      return fail(ErrorKind::Io, "cannot look at the store: " + error.message(), path.string());
    if (mustExist) return fail(ErrorKind::Io, "there is no such store", path.string());
    const fs::path folder = path.parent_path();
    if (!folder.empty() && !fs::is_directory(folder, error))
      return fail(ErrorKind::Io, "the folder of the store does not exist: " + folder.string(), path.string());
    return {};
  }
  if (!fs::is_regular_file(status)) return fail("a store must be a regular file", path.string());

  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fail(ErrorKind::Io, "the store cannot be read: " + std::generic_category().message(errno), path.string());
  char head[16] = {};
  file.read(head, sizeof head);
  if (file.gcount() == 0) {
    if (mustExist) return fail("the file is empty, not a store", path.string());
    return {};  // SQLite takes an empty file for a new database
  }
  if (std::string_view(head, sizeof head) != std::string_view("SQLite format 3\0", 16))
    return fail("this is not a Tradespace store: it does not start with 'SQLite format 3' at byte 0", path.string());
  // SQLite itself would fill a cut last page with zeros. A log beside the file may hold the rest: then it is SQLite's
  // to repair.
  unsigned char rest[16] = {};
  file.read(reinterpret_cast<char*>(rest), sizeof rest);
  const std::uintmax_t page = rest[0] == 0 && rest[1] == 1 ? 65536 : rest[0] * 256u + rest[1];
  const std::uintmax_t size = fs::file_size(path, error);
  const bool hasLog = fs::exists(path.string() + "-wal", error) || fs::exists(path.string() + "-journal", error);
  if (page == 0 || (!hasLog && size % page != 0))
    return fail(ErrorKind::Io,
                "the store is cut short: it has " + std::to_string(size) +
                    " bytes, expected a multiple of its page size " + std::to_string(page) + "; restore a backup",
                path.string() + " @ " + std::to_string(size));
  return {};
}

Result<void> checkIsWhole(SQLite::Database& database, const fs::path& path) {
  std::error_code error;
  if (fs::file_size(path, error) > kCheckedBytes) return {};
  const std::string verdict = database.execAndGet("PRAGMA quick_check(1)").getString();
  if (verdict == "ok") return {};
  return fail(
      ErrorKind::Io,
      "the store is damaged (" + verdict + "); restore a backup, or save what can be read with 'sqlite3 FILE .recover'",
      path.string());
}

void configure(SQLite::Database& database) {
  database.exec("PRAGMA foreign_keys=ON");
  database.exec("PRAGMA synchronous=NORMAL");
}

}  // namespace

Error databaseError(const SQLite::Exception& exception, const std::string& where) {
  const std::string what = exception.what();
  switch (exception.getErrorCode() & 0xff) {
    case SQLITE_FULL:
      return {ErrorKind::Io, "the disk is full; the last change was not kept, everything before it is safe", where};
    case SQLITE_READONLY:
      return {ErrorKind::Io, "the store is read-only here; open it for reading, or copy it to where you may write",
              where};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorKind::Io,
              "another program has been writing to the store for " + std::to_string(kBusyMs / 1000) + " s; try again",
              where};
    case SQLITE_NOTADB:
      return {ErrorKind::InvalidInput, "this is not a Tradespace store (not a SQLite database)", where};
    case SQLITE_CORRUPT:
      return {ErrorKind::Io,
              "the store is damaged or cut short (" + what +
                  "); restore a backup, or save what can be read with 'sqlite3 FILE .recover'",
              where};
    case SQLITE_CANTOPEN:
      return {ErrorKind::Io,
              "the store cannot be opened or created here (" + what + "); check the folder and its permissions", where};
    case SQLITE_IOERR:
      return {ErrorKind::Io,
              "reading or writing the store failed (" + what +
                  "); check the disk and its free space. The last change was not kept",
              where};
    case SQLITE_NOMEM:
      return {ErrorKind::OutOfMemory, "not enough memory for the store", where};
    default:
      return {ErrorKind::Internal, "the store refused: " + what, where};
  }
}

Result<OpenedDatabase> openForWriting(const fs::path& path, std::span<const SchemaStep> steps) {
  TS_CHECK(checkIsFile(path, false));
  try {
    OpenedDatabase opened;
    opened.database =
        std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMs);
    SQLite::Database& database = *opened.database;
    if (sqlite3_db_readonly(database.getHandle(), "main") == 1)
      return fail(ErrorKind::Io, "the store is read-only here; open it for reading, or copy it to where you may write",
                  path.string());
    TS_CHECK(checkVersion(database, steps, path));
    TS_CHECK(checkIsWhole(database, path));
    configure(database);
    TS_CHECK(migrate(database, steps, path, opened.notices));
    const auto network = networkFileSystem(path);
    const std::string mode =
        database.execAndGet(network ? "PRAGMA journal_mode=DELETE" : "PRAGMA journal_mode=WAL").getString();
    if (mode != "wal")
      opened.notices.push_back("no write-ahead log " + (network ? "on " + *network : std::string("here")) +
                               " (journal mode '" + mode + "'): writing is slower and readers wait");
    return opened;
  } catch (const SQLite::Exception& exception) {
    return tl::unexpected(databaseError(exception, path.string()));
  }
}

Result<OpenedDatabase> openForReading(const fs::path& path, std::span<const SchemaStep> steps) {
  TS_CHECK(checkIsFile(path, true));
  const auto attempt = [&](const std::string& name, int flags) -> Result<OpenedDatabase> {
    OpenedDatabase opened;
    opened.database = std::make_unique<SQLite::Database>(name, SQLite::OPEN_READONLY | flags, kBusyMs);
    TS_CHECK(checkVersion(*opened.database, steps, path));
    if (opened.database->execAndGet("PRAGMA user_version").getInt() < steps.back().version)
      return fail(ErrorKind::Unsupported,
                  "the store is of an older version; open it for writing once to upgrade it (a backup is made)",
                  path.string());
    opened.database->execAndGet("SELECT count(*) FROM sqlite_master");
    return opened;
  };
  try {
    return attempt(path.string(), 0);
  } catch (const SQLite::Exception& exception) {
    // A write-ahead log's index cannot be made in a read-only folder. Without a log the file alone is all there is.
    std::error_code error;
    const fs::path log = path.string() + "-wal";
    const int code = exception.getErrorCode() & 0xff;
    if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)
      return tl::unexpected(databaseError(exception, path.string()));
    if (fs::exists(log, error) && fs::file_size(log, error) > 0)
      return fail(ErrorKind::Io,
                  "the newest runs are still in " + log.string() +
                      ", which cannot be read in a read-only folder; copy both files to where you may write",
                  path.string());
  }
  try {
    std::string uri = "file:";
    for (const char c : fs::absolute(path).string()) {
      if (c == '?' || c == '#' || c == '%') {
        constexpr char kHex[] = "0123456789ABCDEF";
        uri += {'%', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]};
      } else {
        uri += c;
      }
    }
    return attempt(uri + "?immutable=1", SQLite::OPEN_URI);
  } catch (const SQLite::Exception& exception) {
    return tl::unexpected(databaseError(exception, path.string()));
  }
}

Result<OpenedDatabase> openInMemory() {
  try {
    OpenedDatabase opened;
    opened.database = std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    configure(*opened.database);
    TS_CHECK(migrate(*opened.database, schemaSteps(), {}, opened.notices));
    return opened;
  } catch (const SQLite::Exception& exception) {
    return tl::unexpected(databaseError(exception, "memory"));
  }
}

}  // namespace ts
