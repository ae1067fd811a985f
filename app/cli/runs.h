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

}  // namespace ts::cli
