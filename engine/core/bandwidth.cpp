// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "engine/core/cpu.h"
#include "engine/core/page_storage.h"

namespace ts {
namespace {

using Word = std::uint64_t;
constexpr int kPasses = 4;

// Many independent sums: the loads never wait for an addition.
Word sum(const Word* p, std::size_t n) {
  Word a[32] = {};
  for (std::size_t i = 0; i + 32 <= n; i += 32)
    for (std::size_t j = 0; j < 32; ++j) a[j] += p[i + j];
  Word total = 0;
  for (const Word x : a) total += x;
  return total;
}

}  // namespace

double measureReadBandwidth(ThreadPool& pool, const std::stop_token& stop) {
  const std::size_t bytes = std::clamp<std::size_t>(cpuInfo().lastLevelBytes * 6, std::size_t{256} << 20, std::size_t{1} << 30);
  const std::size_t n = bytes / sizeof(Word);
  const PageStorage storage(bytes);  // in huge pages, as weights are; touched below, by the worker that reads them
  auto* buffer = reinterpret_cast<Word*>(storage.data());
  pool.split(static_cast<std::int64_t>(n), 512, [&](Range r, int) {
    for (std::int64_t i = r.begin; i < r.end; ++i) {
      if (i % (1 << 18) == 0 && stop.stop_requested()) return;
      buffer[i] = static_cast<Word>(i);
    }
  });
  std::atomic<Word> sink{0};
  double best = 0;
  for (int pass = 0; pass < kPasses && !stop.stop_requested(); ++pass) {
    const auto begin = std::chrono::steady_clock::now();
    pool.split(static_cast<std::int64_t>(n), 512, [&](Range r, int) {
      sink.fetch_add(sum(buffer + r.begin, static_cast<std::size_t>(r.size())), std::memory_order_relaxed);
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, static_cast<double>(bytes) / seconds / 1e9);
  }
  return best;
}

}  // namespace ts
