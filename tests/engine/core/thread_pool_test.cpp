// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/thread_pool.h"

#include <gtest/gtest.h>

#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/core/cpu.h"

namespace ts {
namespace {

TEST(Share, CoversEveryItemOnceInMultiplesOfTheGrain) {
  for (const std::int64_t n : {0, 1, 15, 16, 17, 100, 1000})
    for (const int workers : {1, 2, 3, 7})
      for (const std::int64_t grain : {1, 16}) {
        std::int64_t next = 0;
        for (int w = 0; w < workers; ++w) {
          const Range r = share(n, w, workers, grain);
          EXPECT_EQ(r.begin, next);
          EXPECT_LE(r.begin, r.end);
          EXPECT_TRUE(r.end == n || r.end % grain == 0);
          EXPECT_LE(r.size(), n / workers + grain);
          EXPECT_TRUE(w > 0 || n == 0 || r.size() > 0) << "the driver has a share";
          next = r.end;
        }
        EXPECT_EQ(next, n);
      }
}

TEST(Portions, CoverEveryItemOnceTheLongOnesFirst) {
  for (std::int64_t n = 0; n <= 200; ++n)
    for (int workers = 1; workers <= 16; ++workers) {
      const Portions cut(n, workers);
      std::int64_t next = 0, before = n;
      std::vector<std::int64_t> taken(static_cast<std::size_t>(workers));  // by equally fast workers
      for (std::int64_t i = 0; i < cut.count(); ++i) {
        EXPECT_EQ(cut[i].begin, next);
        EXPECT_GT(cut[i].size(), 0);
        EXPECT_LE(cut[i].size(), before);
        *std::min_element(taken.begin(), taken.end()) += before = cut[i].size();
        next = cut[i].end;
      }
      EXPECT_EQ(next, n);
      EXPECT_LE(before, 1);
      EXPECT_LE(*std::max_element(taken.begin(), taken.end()), (n + workers - 1) / workers + 1);
    }
}

TEST(Portions, AWorkerAtHalfSpeedHoldsTheOthersUpByATwentiethOrAnItem) {
  for (std::int64_t n = 1; n <= 400; ++n)
    for (int workers = 2; workers <= 16; ++workers) {
      const Portions cut(n, workers);
      std::vector<std::int64_t> until(static_cast<std::size_t>(workers));  // when each is free
      for (std::int64_t i = 0; i < cut.count(); ++i) {
        const auto free = std::min_element(until.begin(), until.end());
        *free += cut[i].size() * (free == until.begin() ? 2 : 1);
      }
      const std::int64_t together = (2 * n + 2 * workers - 2) / (2 * workers - 1);  // if they could end at once
      EXPECT_LE(*std::max_element(until.begin(), until.end()), together + std::max<std::int64_t>(2, together / 20)) << n << " items, " << workers << " workers";
    }
}

TEST(ThreadPool, EachItemIsTakenOnceAndAFailureReachesTheDriver) {
  ThreadPool pool(3);
  for (const std::int64_t n : {0, 1, 2, 3, 100}) {
    std::vector<std::atomic<int>> taken(static_cast<std::size_t>(n));
    pool.each(n, [&](std::int64_t i, int worker) {
      EXPECT_LT(worker, 3);
      ++taken[static_cast<std::size_t>(i)];
    });
    for (const auto& times : taken) EXPECT_EQ(times, 1);
  }
  EXPECT_THROW(pool.each(10, [](std::int64_t i, int) { if (i == 7) throw std::runtime_error("seven"); }), std::runtime_error);
}

TEST(ThreadPool, EveryWorkerBeginsWithItsOwnShareAndTakesWhatOthersLeave) {
  for (const int size : {1, 2, 3, 5}) {
    ThreadPool pool(size);
    for (const std::int64_t n : {0, 1, 2, 3, 100}) {
      std::vector<std::atomic<int>> taken(static_cast<std::size_t>(n));
      pool.eachOfShares(n, [&](std::int64_t i, int) { ++taken[static_cast<std::size_t>(i)]; });
      for (const auto& times : taken) EXPECT_EQ(times, 1);
    }
  }
  // All wait until each has its first item; then the second does not get on, until the others have taken what is left of its share.
  ThreadPool pool(3);
  std::vector<std::atomic<int>> by(90);
  std::array<std::int64_t, 3> first{-1, -1, -1};
  std::atomic<int> begun{0}, done{0};
  pool.eachOfShares(90, [&](std::int64_t i, int worker) {
    if (auto& mine = first[static_cast<std::size_t>(worker)]; mine < 0) {
      mine = i, ++begun;
      while (begun < 3) std::this_thread::yield();
    }
    if (worker == 1)
      while (done < 89) std::this_thread::yield();
    by[static_cast<std::size_t>(i)] = worker;
    ++done;
  });
  EXPECT_EQ(done, 90);
  EXPECT_EQ(first, (std::array<std::int64_t, 3>{0, 30, 60}));
  EXPECT_EQ(std::count(by.begin(), by.end(), 1), 1) << "which it had in hand";
}

TEST(ThreadPool, WhatIsExpectedIsNeverTouched) {
  // Expecting is a hint: bytes that are gone, none at all, more stretches than count; runs and their barriers are as ever.
  ThreadPool pool(3);
  std::vector<int> calls(3);
  const Stretch gone{reinterpret_cast<const std::byte*>(std::uintptr_t{4096}), std::size_t{1} << 20};  // where nothing ever is
  const std::vector<Stretch> many(ThreadPool::kStretches + 5, gone);
  for (int round = 0; round < 200; ++round) {
    for (int worker = 0; worker < 3; ++worker)
      pool.expect(worker, round % 3 == 0 ? std::span<const Stretch>() : round % 3 == 1 ? std::span(&gone, 1) : std::span(many));
    pool.run([&](int worker) { ++calls[static_cast<std::size_t>(worker)]; });
  }
  EXPECT_EQ(calls, (std::vector<int>{200, 200, 200}));
}

TEST(ThreadPool, RunsTheBodyOnceOnEveryWorkerAndWaits) {
  for (const int size : {1, 2, 5}) {
    ThreadPool pool(size);
    ASSERT_EQ(pool.size(), size);
    std::vector<int> calls(static_cast<std::size_t>(size));
    for (int round = 0; round < 500; ++round) pool.run([&](int worker) { ++calls[static_cast<std::size_t>(worker)]; });
    for (const int c : calls) EXPECT_EQ(c, 500);
  }
}

TEST(ThreadPool, WakesWorkersThatHaveParked) {
  ThreadPool pool(3);
  std::atomic<int> calls{0};
  for (int round = 0; round < 5; ++round) {
    pool.run([&](int) { ++calls; });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(calls, 15);
}

TEST(ThreadPool, WaitsForASlowWorker) {
  ThreadPool pool(2);
  std::atomic<bool> done{false};
  pool.run([&](int worker) {
    if (worker == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    done = true;
  });
  EXPECT_TRUE(done);
}

TEST(ThreadPool, OpenMpIsSingleThreadedInEveryWorker) {
  ThreadPool pool(3);
  std::atomic<int> wrong{0};
  pool.run([&](int) { wrong += omp_get_max_threads() != 1; });
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, ZeroMeansThePhysicalCoresThisProcessMayUse) {
  ThreadPool pool(0);
  EXPECT_EQ(pool.size(), cpuInfo().physicalCores);
  EXPECT_GE(pool.size(), 1);
  EXPECT_LE(pool.size(), cpuInfo().logicalCpus);
}

TEST(ThreadPool, AFailureInAnyWorkerReachesTheDriverAndTheTeamGoesOn) {
  ThreadPool pool(3);
  for (const int failing : {0, 2}) {
    EXPECT_THROW(pool.run([&](int worker) { if (worker == failing) throw std::runtime_error("full"); }), std::runtime_error);
    std::atomic<int> sum{0};
    pool.run([&](int) { ++sum; });
    EXPECT_EQ(sum, 3);
  }
}

}  // namespace
}  // namespace ts
