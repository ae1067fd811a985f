// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/version.h"

#include "engine_version.h"

namespace ts {

std::string_view engineVersion() { return TS_ENGINE_VERSION; }

}  // namespace ts
