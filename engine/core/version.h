// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace ts {

/// The version of the engine, "0.1.0": part of every run's key, since another engine may measure something else.
std::string_view engineVersion();

/// How this program was built: "Release", "-O3 -DNDEBUG ...", "GNU 12.2.0 x86_64".
std::string_view buildType();
std::string_view buildFlags();
std::string_view buildCompiler();

}  // namespace ts
