// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace ts {

/// One numbered file of resources/schema/: the SQL that leads from version - 1 to version.
struct SchemaStep {
  int version;
  std::string_view sql;
};
/// Every step, in order, as built into the program.
std::span<const SchemaStep> schemaSteps();

/// Marks the file as ours (PRAGMA application_id): "TSpc".
inline constexpr std::int32_t kApplicationId = 0x54537063;

struct OpenedDatabase {
  std::unique_ptr<SQLite::Database> database;
  std::vector<std::string> notices;  ///< "upgraded from version 1; the old file is ...", "no write-ahead log here: ..."
};

/// Opens or creates the file for reading and writing: refuses folders, other programs' files, damaged files and
/// versions newer than `steps`; backs up and upgrades older ones; switches the write-ahead log on where the file system
/// can hold one.
Result<OpenedDatabase> openForWriting(const std::filesystem::path& path,
                                      std::span<const SchemaStep> steps = schemaSteps());
/// Opens an existing file of the current version without changing a byte, in a read-only folder too.
Result<OpenedDatabase> openForReading(const std::filesystem::path& path,
                                      std::span<const SchemaStep> steps = schemaSteps());
Result<OpenedDatabase> openInMemory();

/// SQLite's failure as ours: what happened in words a user can act on, with the file.
Error databaseError(const SQLite::Exception& exception, const std::string& where);

}  // namespace ts
