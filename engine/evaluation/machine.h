// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "engine/core/thread_pool.h"

namespace ts {

/// Seconds that a fixed piece of arithmetic takes on every worker at once: a few milliseconds, the best of three. What makes
/// it longer than before is the machine's doing (other load, frequency), not the model's.
double probeMachine(ThreadPool& pool);

/// Starts the process's peak of memory anew; false where the system does not let it (then it counts from the process's start).
bool resetPeakMemory();
/// The process's peak resident memory in bytes (VmHWM); 0 where the system does not tell.
std::uint64_t peakMemory();
/// Resident memory now; 0 where the system does not tell.
std::uint64_t residentMemory();
/// Gives freed memory back to the system, so that what is resident is what is in use.
void trimMemory();
/// Processes waiting to run, averaged over the last minute; 0 where the system does not tell.
double loadAverage();

}  // namespace ts
