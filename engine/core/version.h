// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace ts {

/// The version of the engine, "0.1.0": part of every run's key, since another engine may measure something else.
std::string_view engineVersion();

}  // namespace ts
