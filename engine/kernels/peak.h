// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/thread_pool.h"

namespace ts {

/// What the arithmetic units of all workers do at most, in 10^9 operations a second (a multiply-add counts two), with the
/// instruction set of the kernels and everything in registers: the flat part of a roofline.
struct ArithmeticPeak {
  double floatGops = 0;  ///< float32 fused multiply-adds
  double byteGops = 0;   ///< 8-bit products added up: VNNI's, or pairs in 16 bits (which
                         ///< still are to be widened now and then); 0 where the kernels have no such instruction
};
/// The best of several passes; takes some 30 ms.
ArithmeticPeak measureArithmetic(ThreadPool& pool);

}  // namespace ts
