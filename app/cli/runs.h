// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "app/cli/shell.h"
#include "experiments/store/records.h"
#include "experiments/store/store.h"

namespace ts::cli {

/// The store, for reading.
Result<std::unique_ptr<Store>> openStore(const std::string& path);

/// "N runs were measured on other machines/with other data ..." when the runs cannot be put on one front as they are.
std::vector<std::string> notComparable(const std::vector<RunRecord>& runs);

}  // namespace ts::cli
