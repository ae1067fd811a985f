// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/vector.h"

#include <cmath>

#include "engine/kernels/isa.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/exponentials.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "engine/kernels/vector-inl.h"  // after Highway, once an instruction set

#ifndef TS_EXPONENTIALS_TABLE
#define TS_EXPONENTIALS_TABLE
namespace ts::kernels {
struct ExponentialsTable {
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
  for (; i < n; i += lanes) {
    const std::int64_t count = n - i < lanes ? n - i : lanes;
    const V x = load(scores + i, count);
    m[0] = hn::Max(m[0], count == lanes ? x : hn::IfThenElse(hn::FirstN(d, static_cast<std::size_t>(count)), x, least));
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(m[0], m[1])));
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
  const V f = hn::Set(d, 1.0f / sum);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR { store(hn::Mul(f, load(scores + i, c)), scores + i, c); });
  return {maximum, sum};
}
void softcap(float cap, std::int64_t n, float* scores) {
  const V f = hn::Set(d, 1.0f / cap), g = hn::Set(d, cap);
  forEach(n, [&](std::int64_t i, std::int64_t c) HWY_ATTR { store(hn::Mul(g, tanhOf(hn::Mul(f, load(scores + i, c)))), scores + i, c); });
}

}  // namespace

const ExponentialsTable* exponentialsTable() {
  static const ExponentialsTable table{siluTimes, geluTanhTimes, softmax, softmaxSum, exponentials, softcap};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
namespace {
TS_CHOSEN_TABLE(ExponentialsTable, table, exponentialsTable)
}  // namespace
}  // namespace kernels

using kernels::table;
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
