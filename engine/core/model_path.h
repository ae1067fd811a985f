// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace ts {

/// Where a model named on a command line, in a sweep file or in the desktop lies: `embedded:NAME` is a folder of
/// resourceFolder()/models, anything else a path as it is. Errors: an unknown embedded name (the known ones are listed),
/// a path that does not exist.
Result<std::filesystem::path> modelPath(std::string_view model);

/// Names of the models that come with the program, sorted.
std::vector<std::string> embeddedModels();

}  // namespace ts
