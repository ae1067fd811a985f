// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/peak.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/kernels/isa.h"

namespace ts {
namespace {

TEST(ArithmeticPeak, IsMeasuredWithEverySet) {
  const std::string before = kernelIsa();
  ThreadPool pool(1);
  for (const std::string& isa : availableIsas()) {
    ASSERT_TRUE(forceIsa(isa));
    const ArithmeticPeak peak = measureArithmetic(pool);
    EXPECT_TRUE(std::isfinite(peak.floatGops)) << isa;
    EXPECT_GT(peak.floatGops, 0) << isa;
    EXPECT_EQ(peak.byteGops > 0, isa.starts_with("avx")) << isa;
  }
  forceIsa(before);
}

}  // namespace
}  // namespace ts
