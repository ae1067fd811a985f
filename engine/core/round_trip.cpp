// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/round_trip.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "engine/core/buffer.h"

namespace ts {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kSeries = 5, kTrips = 40;
constexpr auto kPatience = std::chrono::milliseconds(20);  // for a worker that has no core to run on

/// Of one series between the driver and `other`; 0: they did not meet in time.
double series(ThreadPool& pool, int other) {
  alignas(kAlignment) std::atomic<int> turn{0};
  std::atomic<bool> gaveUp{false};
  double nanoseconds = 0;
  const auto deadline = Clock::now() + kPatience;
  // The line is passed on 2 * kTrips times; who finds turn t of its own kind writes t + 1.
  const auto play = [&](int first, int last) {
    for (int t = first; t < last; t += 2) {
      for (std::int64_t spins = 1; turn.load(std::memory_order_acquire) != t; ++spins)
        if (spins % 4096 == 0 && (gaveUp.load(std::memory_order_relaxed) || Clock::now() > deadline)) return gaveUp.store(true, std::memory_order_relaxed);
      turn.store(t + 1, std::memory_order_release);
    }
  };
  pool.run([&](int worker) {
    if (worker == other) return play(1, 2 * kTrips);
    if (worker != 0) return;
    play(0, 3);  // once there and back, so that the other is there
    const auto start = Clock::now();
    play(4, 2 * kTrips + 1);
    nanoseconds = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  });
  return gaveUp ? 0 : nanoseconds / (kTrips - 1);
}

}  // namespace

double measureRoundTrip(ThreadPool& pool) {
  double furthest = 0;  // of those that ran beside the driver
  for (int other = 1; other < pool.size(); ++other) {
    double least = 0;
    for (int i = 0; i < kSeries; ++i)
      if (const double ns = series(pool, other); ns > 0) least = least > 0 ? std::min(least, ns) : ns;
      else break;
    furthest = std::max(furthest, least);
  }
  return furthest;
}

}  // namespace ts
