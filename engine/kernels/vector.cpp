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
  decltype(&ts::siluTimes) siluTimes;
  decltype(&ts::geluTanhTimes) geluTanhTimes;
  decltype(&ts::softmax) softmax;
  decltype(&ts::softmaxSum) softmaxSum;
  decltype(&ts::exponentials) exponentials;
  decltype(&ts::softcap) softcap;
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr D d;

// Calls step(i, load, store) for whole vectors and once for the rest with lanes beyond n read as 0.
template <class Step>
HWY_INLINE void forEach(std::int64_t n, Step step) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) step(i, lanes);
  if (i < n) step(i, n - i);
}
HWY_INLINE V load(const float* p, std::int64_t count) {
  return count == static_cast<std::int64_t>(hn::Lanes(d)) ? hn::LoadU(d, p)
                                                          : hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
}
HWY_INLINE void store(V v, float* p, std::int64_t count) {
  if (count == static_cast<std::int64_t>(hn::Lanes(d))) return hn::StoreU(v, d, p);
  hn::BlendedStore(v, hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
}

// Four partial sums of vectors taken in turn, then the rest, then lanes.
template <class Term>
HWY_INLINE float reduce(std::int64_t n, Term term) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = term(s0, i, lanes);
    s1 = term(s1, i + lanes, lanes);
    s2 = term(s2, i + 2 * lanes, lanes);
    s3 = term(s3, i + 3 * lanes, lanes);
  }
  for (; i + lanes <= n; i += lanes) s0 = term(s0, i, lanes);
  if (i < n) s1 = term(s1, i, n - i);
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

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

constexpr float kLog2OfE = 1.44269504f;

/// e^x for x up to 88, within 1.1 units in the last place, 0 below -87.3, where results are hardly normal numbers. By x = n ln 2 + r,
/// ln 2 in two parts (Cody and Waite), and e^r = 1 + r + r^2 p(r) for |r| <= 0.347, p the polynomial of degree 4 with the least
/// largest error (3e-9 of e^r). Half the operations of Highway's, which holds for all floats.
HWY_INLINE V expOf(V x) {
  const hn::RebindToSigned<D> di;
  // Rounded by adding 1.5 * 2^23, from where on floats are whole: n then stands in the low bits.
  const V magic = hn::Set(d, 12582912.0f), lifted = hn::MulAdd(x, hn::Set(d, kLog2OfE), magic), whole = hn::Sub(lifted, magic);
  const V r = hn::NegMulAdd(whole, hn::Set(d, -2.12194440e-4f), hn::NegMulAdd(whole, hn::Set(d, 0.693359375f), x));
  V p = hn::Set(d, 0.0013814571f);
  p = hn::MulAdd(p, r, hn::Set(d, 0.008368724f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.04166839f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.16666521f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.49999994f));
  p = hn::MulAdd(hn::Mul(r, r), p, r);
  const V y = hn::Add(p, hn::Set(d, 1.0f));
  const V scaled = hn::BitCast(d, hn::Add(hn::BitCast(di, y), hn::ShiftLeft<23>(hn::BitCast(di, lifted))));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3f)), scaled));
}

/// 2^t = 2^n (1 + r q(r)) for t up to 0 (of others anything may come) or no number; |r| <= 0.5, q the polynomial of degree 5 with
/// the least largest error (2e-9 of 2^r; 4e-9 with coefficients of float32). A base of 2 leaves r exact, where e needs ln 2 in
/// two parts. 0 where t rounds to -127, which is where it is hardly a normal number.
///
/// In place, N at a time, step by step: what one is made of waits for itself, and a processor looks too few instructions ahead to find
/// the next ones by itself.
template <int N>
HWY_INLINE void powersOfTwo(V (&t)[N]) {
  V whole[N], p[N];
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  __mmask16 counts[N];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) {
    whole[i] = hn::Round(t[i]);
    counts[i] = _mm512_cmp_ps_mask(whole[i].raw, _mm512_set1_ps(-127.0f), _CMP_NLE_UQ);
    t[i] = hn::Sub(t[i], whole[i]);
  }
#else
  // Rounded as in expOf; the low bits are n + 127, which shifted are 2^n, and 0 for n = -127.
  const hn::RebindToSigned<D> di;
  const V least = hn::Set(d, -127.0f), magic = hn::Set(d, 12582912.0f + 127.0f);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) {
    t[i] = hn::IfThenElse(hn::Lt(t[i], least), least, t[i]);  // not the larger one: what is no number stays
    const V lifted = hn::Add(t[i], magic);
    whole[i] = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, lifted)));
    t[i] = hn::Sub(t[i], hn::Sub(lifted, magic));
  }
#endif
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) p[i] = hn::MulAdd(hn::Set(d, 1.5353362e-4f), t[i], hn::Set(d, 1.3398875e-3f));
  const auto next = [&](float coefficient) HWY_ATTR {
    const V c = hn::Set(d, coefficient);
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) p[i] = hn::MulAdd(p[i], t[i], c);
  };
  next(9.618437e-3f), next(5.5503324e-2f), next(0.24022648f), next(0.6931472f), next(1.0f);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i)
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
    t[i] = V{_mm512_maskz_scalef_ps(counts[i], p[i].raw, whole[i].raw)};
#else
    t[i] = hn::Mul(p[i], whole[i]);
#endif
}

HWY_INLINE V sigmoid(V x) {
  const V one = hn::Set(d, 1.0f);
  // e^88 is large enough to make the quotient vanish.
  return hn::Div(one, hn::Add(one, expOf(hn::Min(hn::Neg(x), hn::Set(d, 88.0f)))));
}
HWY_INLINE V tanhOf(V x) {  // by exp of the magnitude: no overflow, no cancellation that matters beyond float's own
  const V one = hn::Set(d, 1.0f);
  const V e = expOf(hn::Mul(hn::Set(d, -2.0f), hn::Abs(x)));
  return hn::CopySign(hn::Div(hn::Sub(one, e), hn::Add(one, e)), x);
}
void siluTimes(const float* gate, const float* up, std::int64_t n, float* out) {
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    const V g = load(gate + i, c);
    const V y = hn::Mul(g, sigmoid(g));
    store(up ? hn::Mul(y, load(up + i, c)) : y, out + i, c);
  });
}
void geluTanhTimes(const float* gate, const float* up, std::int64_t n, float* out) {
  // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) = x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3))
  const V a = hn::Set(d, 1.5957691216057308f), b = hn::Set(d, 0.044715f * 1.5957691216057308f);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR {
    const V g = load(gate + i, c);
    const V y = hn::Mul(g, sigmoid(hn::Mul(g, hn::MulAdd(b, hn::Mul(g, g), a))));
    store(up ? hn::Mul(y, load(up + i, c)) : y, out + i, c);
  });
}

float largestOf(const float* scores, std::int64_t n) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V least = hn::Set(d, -HUGE_VALF);
  V m[2] = {least, least};
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes)
    for (int j = 0; j < 2; ++j) m[j] = hn::Max(m[j], hn::LoadU(d, scores + i + j * lanes));
  for (; i + lanes <= n; i += lanes) m[0] = hn::Max(m[0], hn::LoadU(d, scores + i));
  float maximum = hn::GetLane(hn::MaxOfLanes(d, hn::Max(m[0], m[1])));
  for (; i < n; ++i) maximum = std::fmax(maximum, scores[i]);
  return maximum;
}
/// The sum of e^(factor * (score - maximum)), each of which `keep` is told, i and how many lanes beside it.
template <class Keep>
HWY_INLINE float sumExponentials(float factor, float maximum, const float* scores, std::int64_t n, Keep keep) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  // The difference first: what rounding takes is then a part of it, next to nothing for what weighs most.
  const V f = hn::Set(d, factor * kLog2OfE), mv = hn::Set(d, maximum);
  const auto power = [&](V x) HWY_ATTR { return hn::Mul(f, hn::Sub(x, mv)); };
  V sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    V e[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) e[j] = power(hn::LoadU(d, scores + i + j * lanes));
    powersOfTwo(e);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) keep(e[j], i + j * lanes, lanes), sums[j] = hn::Add(sums[j], e[j]);
  }
  for (; i < n; i += lanes) {
    const std::int64_t count = n - i < lanes ? n - i : lanes;
    V e[1] = {power(load(scores + i, count))};
    powersOfTwo(e);
    keep(e[0], i, count);
    sums[0] = hn::Add(sums[0], count == lanes ? e[0] : hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(count)), e[0]));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
}
float exponentialsOf(float factor, float maximum, float* scores, std::int64_t n) {
  return sumExponentials(factor, maximum, scores, n, [&](V e, std::int64_t i, std::int64_t c) HWY_ATTR { store(e, scores + i, c); });
}
void exponentials(float factor, Rows scores, Rows sums) {
  for (std::int64_t q = 0; q < scores.count; ++q) sums.row(q)[0] = largestOf(scores.row(q), scores.width);  // first, so that no row waits for another
  for (std::int64_t q = 0; q < scores.count; ++q) {
    float* of = sums.row(q);
    of[1] = exponentialsOf(factor, of[0], scores.row(q), scores.width);
    of[0] *= factor;
  }
}
SoftmaxSum softmaxSum(const float* scores, std::int64_t n) {
  const float maximum = largestOf(scores, n);
  return {maximum, sumExponentials(1.0f, maximum, scores, n, [](V, std::int64_t, std::int64_t) HWY_ATTR {})};
}
SoftmaxSum softmax(float* scores, std::int64_t n) {
  const float maximum = largestOf(scores, n), sum = exponentialsOf(1.0f, maximum, scores, n);
  scaled(1.0f / sum, scores, n, scores);
  return {maximum, sum};
}
void softcap(float cap, std::int64_t n, float* scores) {
  const V f = hn::Set(d, 1.0f / cap), g = hn::Set(d, cap);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR { store(hn::Mul(g, tanhOf(hn::Mul(f, load(scores + i, c)))), scores + i, c); });
}

}  // namespace

const VectorTable* vectorTable() {
  static const VectorTable table{dot, addTo, addScaled, scaled, blend, maximumMagnitude, firstOfLargest, floatToHalf, halfToFloat, floatToBf16,
                                 bf16ToFloat, rmsNorm, layerNorm, ropeHalves, ropeInterleaved, siluTimes, geluTanhTimes,
                                 softmax, softmaxSum, exponentials, softcap};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
HWY_EXPORT(vectorTable);
namespace {
const VectorTable& table() {
  static const bool chosen = (chooseIsa(), true);
  (void)chosen;
  return *HWY_DYNAMIC_DISPATCH(vectorTable)();
}
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
void siluTimes(const float* g, const float* u, std::int64_t n, float* out) { table().siluTimes(g, u, n, out); }
void geluTanhTimes(const float* g, const float* u, std::int64_t n, float* out) { table().geluTanhTimes(g, u, n, out); }
void geluTimes(const float* gate, const float* up, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float y = 0.5f * gate[i] * (1.0f + std::erf(gate[i] * 0.70710678118654752f));
    out[i] = up ? y * up[i] : y;
  }
}
SoftmaxSum softmax(float* scores, std::int64_t n) { return table().softmax(scores, n); }
SoftmaxSum softmaxSum(const float* scores, std::int64_t n) { return table().softmaxSum(scores, n); }
void exponentials(float factor, Rows scores, Rows sums) { table().exponentials(factor, scores, sums); }
void softcap(float cap, std::int64_t n, float* scores) { table().softcap(cap, n, scores); }

}  // namespace ts
#endif
