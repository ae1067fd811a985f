// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/round_trip.h"

#include <gtest/gtest.h>

#include <chrono>

#include "engine/core/cpu.h"

namespace ts {
namespace {

TEST(RoundTrip, OfOneWorkerThereIsNone) {
  ThreadPool pool(1);
  EXPECT_EQ(measureRoundTrip(pool), 0);
}

TEST(RoundTrip, IsFoundWhereTwoCoresAreFree) {
  if (cpuInfo().physicalCores < 2) GTEST_SKIP() << "one core";
  ThreadPool pool(2);
  double ns = 0;
  for (int i = 0; i < 100 && ns == 0; ++i) ns = measureRoundTrip(pool);  // others may have the cores for a while
  EXPECT_GT(ns, 1);
  EXPECT_LT(ns, 1e5);
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
