// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/vector.h"

#include <algorithm>
#include <cmath>

#include "engine/core/half.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/vector.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "engine/kernels/vector-inl.h"  // after Highway, once an instruction set

#ifndef TS_VECTOR_TABLE
#define TS_VECTOR_TABLE
namespace ts::kernels {
struct VectorTable {
  decltype(&ts::dot) dot;
  decltype(&ts::addTo) addTo;
  decltype(&ts::addScaled) addScaled;
  decltype(&ts::scaled) scaled;
  decltype(&ts::blend) blend;
  decltype(&ts::maximumMagnitude) maximumMagnitude;
  decltype(&ts::firstOfLargest) firstOfLargest;
  decltype(&ts::floatToHalf) floatToHalf;
  decltype(&ts::halfToFloat) halfToFloat;
  decltype(&ts::floatToBf16) floatToBf16;
  decltype(&ts::bf16ToFloat) bf16ToFloat;
  decltype(&ts::rmsNorm) rmsNorm;
  decltype(&ts::layerNorm) layerNorm;
  decltype(&ts::ropeHalves) ropeHalves;
  decltype(&ts::ropeInterleaved) ropeInterleaved;
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

float dot(const float* a, const float* b, std::int64_t n) {
  return reduce(n, [&](V s, std::int64_t i, std::int64_t c) HWY_ATTR { return hn::MulAdd(load(a + i, c), load(b + i, c), s); });
}
void addTo(const float* in, std::int64_t n, float* inout) {
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR { store(hn::Add(load(inout + i, c), load(in + i, c)), inout + i, c); });
}
void addScaled(float factor, const float* in, std::int64_t n, float* inout) {
  const V f = hn::Set(d, factor);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    store(hn::MulAdd(f, load(in + i, c), load(inout + i, c)), inout + i, c);
  });
}
void scaled(float factor, const float* in, std::int64_t n, float* out) {
  const V f = hn::Set(d, factor);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR { store(hn::Mul(f, load(in + i, c)), out + i, c); });
}
void blend(float keep, float factor, const float* in, std::int64_t n, float* inout) {
  const V k = hn::Set(d, keep), f = hn::Set(d, factor);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    store(hn::MulAdd(f, load(in + i, c), hn::Mul(k, load(inout + i, c))), inout + i, c);
  });
}
float maximumMagnitude(const float* in, std::int64_t n) {
  V m = hn::Zero(d);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR { m = hn::Max(m, hn::Abs(load(in + i, c))); });
  return hn::GetLane(hn::MaxOfLanes(d, m));
}
std::int64_t firstOfLargest(const float* in, std::int64_t n) {
  constexpr std::int64_t kStretch = 1024;  // whose largest is known before it is looked for
  float largest = -HUGE_VALF;
  std::int64_t begin = -1;
  for (std::int64_t first = 0; first < n; first += kStretch) {
    const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d)), end = std::min(first + kStretch, n);
    const V least = hn::Set(d, -HUGE_VALF);
    V top[4] = {least, least, least, least};
    std::int64_t i = first;
    const auto take = [&](V& t, V x) HWY_ATTR { t = hn::IfThenElse(hn::Gt(x, t), x, t); };
    for (; i + 4 * lanes <= end; i += 4 * lanes)
      for (int j = 0; j < 4; ++j) take(top[j], hn::LoadU(d, in + i + j * lanes));
    for (; i + lanes <= end; i += lanes) take(top[0], hn::LoadU(d, in + i));
    float here = hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(top[0], top[1]), hn::Max(top[2], top[3]))));
    for (; i < end; ++i)
      if (in[i] > here) here = in[i];
    if (here > largest) largest = here, begin = first;
  }
  if (begin < 0) return -1;
  while (!(in[begin] == largest)) ++begin;
  return begin;
}

void floatToHalf(const float* in, std::int64_t n, std::uint16_t* out) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128  // whose DemoteTo truncates
  for (std::int64_t i = 0; i < n; ++i) out[i] = halfOfFloat(in[i]);
#else
  const hn::Rebind<hwy::float16_t, D> dh;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    const auto h = hn::DemoteTo(dh, load(in + i, c));
    if (c == lanes) return hn::StoreU(h, dh, reinterpret_cast<hwy::float16_t*>(out + i));
    HWY_ALIGN hwy::float16_t rest[64];
    hn::Store(h, dh, rest);
    for (std::int64_t j = 0; j < c; ++j) hwy::CopySameSize(rest + j, out + i + j);
  });
#endif
}
void halfToFloat(const std::uint16_t* in, std::int64_t n, float* out) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128  // whose PromoteTo has no infinity
  for (std::int64_t i = 0; i < n; ++i) out[i] = floatOfHalf(in[i]);
#else
  const hn::Rebind<hwy::float16_t, D> dh;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    if (c == lanes) return hn::StoreU(hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(in + i))), d, out + i);
    HWY_ALIGN hwy::float16_t rest[64] = {};
    for (std::int64_t j = 0; j < c; ++j) hwy::CopySameSize(in + i + j, rest + j);
    store(hn::PromoteTo(d, hn::Load(dh, rest)), out + i, c);
  });
#endif
}
void floatToBf16(const float* in, std::int64_t n, std::uint16_t* out) {
  const hn::Rebind<std::uint32_t, D> du;
  const hn::Rebind<std::uint16_t, D> dh;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    const V x = load(in + i, c);
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF))));
    // A NaN stays one: rounding could carry its mantissa into the sign.
    rounded = hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(x)), hn::Or(hn::ShiftRight<16>(bits), hn::Set(du, 0x40)), rounded);
    const auto h = hn::DemoteTo(dh, hn::BitCast(hn::Rebind<std::int32_t, D>(), rounded));
    if (c == lanes) return hn::StoreU(h, dh, out + i);
    HWY_ALIGN std::uint16_t rest[64];
    hn::Store(h, dh, rest);
    for (std::int64_t j = 0; j < c; ++j) out[i + j] = rest[j];
  });
}
void bf16ToFloat(const std::uint16_t* in, std::int64_t n, float* out) {
  const hn::Rebind<std::uint32_t, D> du;
  const hn::Rebind<std::uint16_t, D> dh;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, in + i)))), d, out + i);
  for (; i < n; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(in[i]) << 16;
    hwy::CopySameSize(&bits, out + i);
  }
}

void rmsNorm(const float* in, const float* weight, float epsilon, std::int64_t n, float* out) {
  const float mean = dot(in, in, n) / static_cast<float>(n);
  const V f = hn::Set(d, 1.0f / std::sqrt(mean + epsilon));
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    const V x = hn::Mul(load(in + i, c), f);
    store(weight ? hn::Mul(x, load(weight + i, c)) : x, out + i, c);
  });
}
void layerNorm(const float* in, const float* weight, const float* bias, float epsilon, std::int64_t n, float* out) {
  const float mean = reduce(n, [&](V s, std::int64_t i, std::int64_t c) HWY_ATTR { return hn::Add(s, load(in + i, c)); }) /
                     static_cast<float>(n);
  const V m = hn::Set(d, mean);
  const float variance = reduce(n, [&](V s, std::int64_t i, std::int64_t c) HWY_ATTR {
    const V x = hn::Sub(load(in + i, c), m);
    const V inside = hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(c)), x);
    return hn::MulAdd(inside, inside, s);
  }) / static_cast<float>(n);
  const V f = hn::Set(d, 1.0f / std::sqrt(variance + epsilon));
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    V x = hn::Mul(hn::Sub(load(in + i, c), m), f);
    if (weight) x = hn::Mul(x, load(weight + i, c));
    if (bias) x = hn::Add(x, load(bias + i, c));
    store(x, out + i, c);
  });
}

void ropeHalves(float* row, const float* cos, const float* sin, std::int64_t pairs) {
  float* other = row + pairs;
  forEach(pairs, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    const V a = load(row + i, c), b = load(other + i, c), co = load(cos + i, c), si = load(sin + i, c);
    store(hn::NegMulAdd(b, si, hn::Mul(a, co)), row + i, c);
    store(hn::MulAdd(a, si, hn::Mul(b, co)), other + i, c);
  });
}
void ropeInterleaved(float* row, const float* cos, const float* sin, std::int64_t pairs) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= pairs; i += lanes) {
    V a, b;
    hn::LoadInterleaved2(d, row + 2 * i, a, b);
    const V co = hn::LoadU(d, cos + i), si = hn::LoadU(d, sin + i);
    hn::StoreInterleaved2(hn::NegMulAdd(b, si, hn::Mul(a, co)), hn::MulAdd(a, si, hn::Mul(b, co)), d, row + 2 * i);
  }
  for (; i < pairs; ++i) {
    const float a = row[2 * i], b = row[2 * i + 1];
    row[2 * i] = std::fma(-b, sin[i], a * cos[i]);
    row[2 * i + 1] = std::fma(a, sin[i], b * cos[i]);
  }
}

}  // namespace

const VectorTable* vectorTable() {
  static const VectorTable table{dot, addTo, addScaled, scaled, blend, maximumMagnitude, firstOfLargest, floatToHalf, halfToFloat, floatToBf16,
                                 bf16ToFloat, rmsNorm, layerNorm, ropeHalves, ropeInterleaved};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
namespace {
TS_CHOSEN_TABLE(VectorTable, table, vectorTable)
}  // namespace
}  // namespace kernels

using kernels::table;
float dot(const float* a, const float* b, std::int64_t n) { return table().dot(a, b, n); }
void addTo(const float* in, std::int64_t n, float* inout) { table().addTo(in, n, inout); }
void addScaled(float f, const float* in, std::int64_t n, float* inout) { table().addScaled(f, in, n, inout); }
void scaleBy(float f, std::int64_t n, float* inout) { table().scaled(f, inout, n, inout); }
void scaled(float f, const float* in, std::int64_t n, float* out) { table().scaled(f, in, n, out); }
void blend(float k, float f, const float* in, std::int64_t n, float* inout) { table().blend(k, f, in, n, inout); }
float maximumMagnitude(const float* in, std::int64_t n) { return table().maximumMagnitude(in, n); }
std::int64_t firstOfLargest(const float* in, std::int64_t n) { return table().firstOfLargest(in, n); }
void floatToHalf(const float* in, std::int64_t n, std::uint16_t* out) { table().floatToHalf(in, n, out); }
void halfToFloat(const std::uint16_t* in, std::int64_t n, float* out) { table().halfToFloat(in, n, out); }
void floatToBf16(const float* in, std::int64_t n, std::uint16_t* out) { table().floatToBf16(in, n, out); }
void bf16ToFloat(const std::uint16_t* in, std::int64_t n, float* out) { table().bf16ToFloat(in, n, out); }
void rmsNorm(const float* in, const float* w, float e, std::int64_t n, float* out) { table().rmsNorm(in, w, e, n, out); }
void layerNorm(const float* in, const float* w, const float* b, float e, std::int64_t n, float* out) {
  table().layerNorm(in, w, b, e, n, out);
}
void ropeHalves(float* row, const float* c, const float* s, std::int64_t pairs) { table().ropeHalves(row, c, s, pairs); }
void ropeInterleaved(float* row, const float* c, const float* s, std::int64_t pairs) { table().ropeInterleaved(row, c, s, pairs); }

}  // namespace ts
#endif
