// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/round_trip.h"

#include <gtest/gtest.h>

#include <chrono>

namespace ts {
namespace {

TEST(RoundTrip, OfOneWorkerThereIsNone) {
  ThreadPool pool(1);
  EXPECT_EQ(measureRoundTrip(pool), 0);
}

TEST(RoundTrip, TakesTimeAndNeverHangs) {
  for (const int threads : {2, 3, 24}) {  // the last more than may run at once
    ThreadPool pool(threads);
    const auto start = std::chrono::steady_clock::now();
    const double ns = measureRoundTrip(pool);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30)) << threads;
    EXPECT_TRUE(ns == 0 || (ns > 1 && ns < 5e6)) << ns << " ns, " << threads << " threads";
  }
}

}  // namespace
}  // namespace ts
