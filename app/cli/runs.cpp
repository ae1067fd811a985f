// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/runs.h"

namespace ts::cli {

Result<std::unique_ptr<Store>> openStore(const std::string& path) { return Store::open(path, Store::Mode::ReadOnly); }

}  // namespace ts::cli
