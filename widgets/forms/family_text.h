// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include "engine/registry/registry.h"

namespace ts {

QString familyTitle(Family family);
QString familyHelp(Family family);  ///< one line

/// "integer, 2 to 8, default 4 bits"; "one of a, b"
QString parameterRange(const Parameter& parameter);

}  // namespace ts
