// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/thread_pool.h"

namespace ts {

/// Nanoseconds that a round trip takes at most where cores share a cache, and at least where they do not.
inline constexpr double kSharedRoundTrip = 150, kApartRoundTrip = 250;

/// Nanoseconds that a cache line takes from the driver to the worker it is furthest from, and back: least of a few series. It tells where
/// the workers' cores are just now, on which decoding depends and which the host of a virtual machine may change from second to second:
/// some 50 where they share a cache, 300 and more where they do not. 0 with one worker, or where none ran beside the driver.
double measureRoundTrip(ThreadPool& pool);

}  // namespace ts
