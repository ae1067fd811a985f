// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>

#include "engine/core/thread_pool.h"

namespace ts {

/// Read bandwidth of the memory in GB/s with every worker of the pool summing its own part of a buffer of several times
/// the last-level cache: the best of a few passes, so a short disturbance is not seen, a lasting one is. Takes a tenth of a
/// second and 256 MiB or more while it runs. Asked to stop, it returns soon and what it says is worth nothing.
double measureReadBandwidth(ThreadPool& pool, const std::stop_token& stop = {});

}  // namespace ts
