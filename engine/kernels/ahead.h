// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>

namespace ts::kernels {

/// Whether one row's kernels ask for lines where little is computed for each (weights/ahead.h, which measures and sets it). What they
/// compute does not depend on it.
inline std::atomic<bool> rowAsksForLines{true};

}  // namespace ts::kernels
