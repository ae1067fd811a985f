// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "experiments/store/records.h"

namespace ts {

/// The machine this process runs on: processor, vector extensions, kernel, cores it may use, memory.
HostRecord thisHost();

}  // namespace ts
