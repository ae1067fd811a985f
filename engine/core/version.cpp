// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/version.h"

#include "engine_version.h"

namespace ts {

std::string_view engineVersion() { return TS_ENGINE_VERSION; }
std::string_view buildType() { return TS_BUILD_TYPE; }
std::string_view buildFlags() { return TS_BUILD_FLAGS; }
std::string_view buildCompiler() { return TS_BUILD_COMPILER; }

}  // namespace ts
