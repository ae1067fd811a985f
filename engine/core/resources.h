// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

namespace ts {

/// The folder with the program's own data: `models/`, `tasks/`, `sweeps/`, `icons/`. In this order: the environment variable
/// TRADESPACE_RESOURCES; beside the running program (`../share/tradespace`, or a `resources` folder in one of its parent
/// folders, as in a build tree); the source folder it was built from. The first that exists wins; looked up once.
std::filesystem::path resourceFolder();

}  // namespace ts
