// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <numeric>

#include "engine/core/cpu.h"

namespace ts {
namespace {

using Word = std::uint64_t;
constexpr int kPasses = 4;
constexpr std::int64_t kGrain = 512;

}  // namespace

std::uint64_t sumOfBytes(const std::byte* data, std::size_t bytes) {
  Word sums[32] = {};  // independent ones: the loads never wait for an addition
  for (std::size_t i = 0; i + sizeof sums <= bytes; i += sizeof sums)
    for (std::size_t j = 0; j < 32; ++j) {
      Word word;
      std::memcpy(&word, data + i + j * sizeof word, sizeof word);
      sums[j] += word;
    }
  return std::accumulate(std::begin(sums), std::end(sums), Word{0});
}

ReadProbe::ReadProbe(ThreadPool& pool, std::size_t bytes, const std::stop_token& stop) : pool_(pool), bytes_(bytes), storage_(bytes) {
  auto* words = reinterpret_cast<Word*>(storage_.data());
  pool.split(static_cast<std::int64_t>(bytes / sizeof(Word)), kGrain, [&](Range r, int) {  // by the worker that reads them
    for (std::int64_t i = r.begin; i < r.end; ++i) {
      if (i % (1 << 18) == 0 && stop.stop_requested()) return;
      words[i] = static_cast<Word>(i);
    }
  });
}

double ReadProbe::pass() {
  const auto* data = reinterpret_cast<const std::byte*>(storage_.data());
  std::atomic<Word> sink{0};
  const auto begin = std::chrono::steady_clock::now();
  pool_.split(static_cast<std::int64_t>(bytes_ / sizeof(Word)), kGrain, [&](Range r, int) {
    sink.fetch_add(sumOfBytes(data + r.begin * sizeof(Word), static_cast<std::size_t>(r.size()) * sizeof(Word)), std::memory_order_relaxed);
  });
  return static_cast<double>(bytes_) / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 1e9;
}

double measureReadBandwidth(ThreadPool& pool, const std::stop_token& stop) {
  ReadProbe probe(pool, std::clamp<std::size_t>(cpuInfo().lastLevelBytes * 6, std::size_t{256} << 20, std::size_t{1} << 30), stop);
  double best = 0;
  for (int pass = 0; pass < kPasses && !stop.stop_requested(); ++pass) best = std::max(best, probe.pass());
  return best;
}

}  // namespace ts
