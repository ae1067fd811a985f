// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

#include "engine/kernels/isa.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/peak.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef TS_PEAK_TABLE
#define TS_PEAK_TABLE
namespace ts::kernels {
struct PeakTable {
  /// Operations that `rounds` rounds take; what comes out depends on `seed`, so that no compiler leaves them out.
  double (*floats)(std::int64_t rounds, float seed, float* out);
  double (*bytes)(std::int64_t rounds, std::int32_t seed, std::int32_t* out);  ///< null where there is no such instruction
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr int kChains = 12;  // enough to hide the latency, few enough for 16 registers

double floats(std::int64_t rounds, float seed, float* out) {
  const D d;
  const V factor = hn::Set(d, seed), term = hn::Set(d, 1.0f - seed);
  V sums[kChains];
  for (V& s : sums) s = hn::Set(d, seed);
  for (std::int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (V& s : sums) s = hn::MulAdd(s, factor, term);
  V all = sums[0];
  for (int i = 1; i < kChains; ++i) all = hn::Add(all, sums[i]);
  *out = hn::GetLane(hn::SumOfLanes(d, all));
  return 2.0 * kChains * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
constexpr int kByteChains = HWY_TARGET == HWY_AVX2 ? 8 : 10;  // likewise; with AVX2 GCC keeps more of them in memory

double bytes(std::int64_t rounds, std::int32_t seed, std::int32_t* out) {
  const hn::ScalableTag<std::int32_t> d;
  using VI = hn::Vec<decltype(d)>;
  const VI a = hn::Set(d, seed & 0x01010101), b = hn::Set(d, 0x01010101);
  VI sums[kByteChains];
  for (VI& s : sums) s = a;
  // A sum that its own product is added to, or the same again: nothing to take out of the loop.
  const auto step = [&](VI& sum) HWY_ATTR {
    VI s = sum;
#if HWY_TARGET == HWY_AVX3_DL
    asm("vpdpbusd %2, %1, %0" : "+v"(s.raw) : "v"(a.raw), "v"(b.raw));
#elif HWY_TARGET == HWY_AVX3
    s = VI{_mm512_add_epi16(s.raw, _mm512_maddubs_epi16(s.raw, b.raw))};
#else
    s = VI{_mm256_add_epi16(s.raw, _mm256_maddubs_epi16(s.raw, b.raw))};
#endif
    sum = s;
  };
  for (std::int64_t i = 0; i < rounds; ++i)
    [&]<int... chain>(std::integer_sequence<int, chain...>) HWY_ATTR { (step(sums[chain]), ...); }(std::make_integer_sequence<int, kByteChains>());
  VI all = sums[0];
  for (int i = 1; i < kByteChains; ++i) all = hn::Add(all, sums[i]);
  *out = hn::GetLane(hn::SumOfLanes(d, all));
  return 2.0 * kByteChains * static_cast<double>(rounds) * static_cast<double>(4 * hn::Lanes(d));
}
constexpr auto kBytes = bytes;
#else
constexpr decltype(PeakTable::bytes) kBytes = nullptr;
#endif

}  // namespace

const PeakTable* peakTable() {
  static const PeakTable table{floats, kBytes};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
HWY_EXPORT(peakTable);
namespace {
const PeakTable& table() {
  chooseIsa();
  return *HWY_DYNAMIC_DISPATCH(peakTable)();
}
}  // namespace
}  // namespace kernels
namespace {

/// 10^9 operations a second of all workers, in the best of several passes.
template <class Body>
double best(ThreadPool& pool, Body body) {
  double most = 0;
  for (int pass = 0; pass < 8; ++pass) {
    std::atomic<std::int64_t> operations{0};
    const auto begin = std::chrono::steady_clock::now();
    pool.run([&](int) { operations += static_cast<std::int64_t>(body()); });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    most = std::max(most, static_cast<double>(operations) / seconds / 1e9);
  }
  return most;
}

}  // namespace

ArithmeticPeak measureArithmetic(ThreadPool& pool) {
  const kernels::PeakTable& table = kernels::table();
  constexpr std::int64_t kRounds = 500'000;
  std::atomic<std::int64_t> sink{0};
  const std::int64_t seed = std::chrono::steady_clock::now().time_since_epoch().count();
  ArithmeticPeak peak;
  peak.floatGops = best(pool, [&] {
    float out = 0;
    const double operations = table.floats(kRounds, 0.5f + static_cast<float>(seed & 1) * 0.25f, &out);
    sink += static_cast<std::int64_t>(out);
    return operations;
  });
  if (table.bytes)
    peak.byteGops = best(pool, [&] {
      std::int32_t out = 0;
      const double operations = table.bytes(kRounds, static_cast<std::int32_t>(seed), &out);
      sink += out;
      return operations;
    });
  return peak;
}

}  // namespace ts
#endif
