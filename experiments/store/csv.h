// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "experiments/store/records.h"

namespace ts {

/// One field as RFC 4180 wants it: quoted when it holds a comma, a quote or a line end.
std::string csvField(const std::string& text);
/// The shortest text that reads back as the same number, '.' whatever the locale; empty when not finite.
std::string csvNumber(double value);

/// One row a run; settings, metrics ("NAME [unit]", "NAME stderr") and engaged counts are columns of their own, empty
/// where a run has none. Lines end with CR LF.
void writeCsv(std::ostream& out, const std::vector<RunRecord>& runs);

/// Writes `text` beside `path`, then renames: the file is whole or as it was before.
Result<void> replaceFile(const std::filesystem::path& path, const std::string& text);

}  // namespace ts
