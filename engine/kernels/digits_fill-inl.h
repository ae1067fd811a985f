// SPDX-License-Identifier: GPL-3.0-or-later
// Activations to digits. Included once per instruction set.
#if defined(TS_DIGITS_FILL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_DIGITS_FILL_INL_H
#undef TS_DIGITS_FILL_INL_H
#else
#define TS_DIGITS_FILL_INL_H
#endif

#include "engine/kernels/digits-inl.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

/// Blocks whose largest magnitudes and sums are found side by side: alone each would wait for a chain of shuffles.
constexpr int kAtOnce = 4;
using DI4 = hn::CappedTag<std::int32_t, kAtOnce>;
constexpr DI4 di4;

/// Lane i of the result is the reduction of lanes i, i + 4, i + 8 ...
template <class Lanes, class Vector, class Op>
HWY_INLINE hn::Vec<DI4> reduceToFour([[maybe_unused]] Lanes lanes, Vector v, Op op) {
  if constexpr (std::is_same_v<Vector, hn::Vec<DI4>>) {
    return v;
  } else {
    const hn::Half<Lanes> half;
    return reduceToFour(half, op(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), op);
  }
}

/// Lane i of the result is v[i] reduced to one lane.
template <class Op>
HWY_INLINE hn::Vec<DI4> reduceEach(const VI (&v)[kAtOnce], Op op) {
  const hn::Repartition<std::int64_t, DI> pairs;
  const auto halve = [&](VI a, VI b) HWY_ATTR { return op(hn::InterleaveLower(di, a, b), hn::InterleaveUpper(di, a, b)); };
  const auto low = hn::BitCast(pairs, halve(v[0], v[1])), high = hn::BitCast(pairs, halve(v[2], v[3]));
  return reduceToFour(di, op(hn::BitCast(di, hn::InterleaveLower(pairs, low, high)), hn::BitCast(di, hn::InterleaveUpper(pairs, low, high))), op);
}

constexpr int kVectors = kBlock / kLanes;  ///< that hold a block

/// To integers, to the nearest even; of what is out of their range anything may come.
HWY_INLINE VI nearest(V v) {
#if HWY_TARGET == HWY_AVX2
  return VI{_mm256_cvtps_epi32(v.raw)};  // Highway's own mends what is out of range
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return VI{_mm512_cvtps_epi32(v.raw)};
#else
  return hn::NearestInt(v);
#endif
}

/// A block's integers, of a byte each, to memory.
HWY_INLINE void storeBytes(const VI (&v)[kVectors], std::int8_t* to) {
#if HWY_TARGET == HWY_AVX2
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(v[0].raw, v[1].raw), _mm256_packs_epi32(v[2].raw, v[3].raw));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const __m512i words = _mm512_packs_epi32(v[0].raw, v[1].raw), bytes = _mm512_packs_epi16(words, words);
  const __m512i inOrder = _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0), bytes);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(inOrder));
#else
  const hn::Rebind<std::int8_t, D> d8;
  for (int j = 0; j < kVectors; ++j) hn::Store(hn::DemoteTo(d8, v[j]), d8, to + j * kLanes);
#endif
}

/// What becomes of blocks side by side, one a lane.
struct Quantized {
  HWY_INLINE Quantized() {}  // an implicit one would not be of this instruction set, as NEON's vectors' own are
  hn::Vec<hn::Rebind<float, DI4>> scale;
  hn::Vec<DI4> all[2];      ///< digits added up, by halves where that is asked for; else all are in the first
  hn::Vec<DI4> highest[2];  ///< highest digits added up
};

/// kAtOnce blocks of 32 floats, one after another, to N digits each, [N][32].
template <int N>
HWY_INLINE Quantized quantizeBlocks(const float* in, bool halves, std::int8_t* const (&digits)[kAtOnce]) {
  const hn::Rebind<float, DI4> df4;
  // Without their sign, floats are ordered as integers are, and what is no number or infinite comes last.
  const auto magnitudeAt = [&](const float* p) HWY_ATTR { return hn::BitCast(di, hn::Abs(hn::LoadU(d, p))); };
  VI largest[kAtOnce];
  for (int i = 0; i < kAtOnce; ++i) {
    largest[i] = magnitudeAt(in + i * kBlock);
    for (int j = 1; j < kVectors; ++j) largest[i] = hn::Max(largest[i], magnitudeAt(in + i * kBlock + j * kLanes));
  }
  const auto tops = hn::BitCast(df4, reduceEach(largest, [](auto a, auto b) HWY_ATTR { return hn::Max(a, b); }));
  const auto top = hn::Set(df4, digitsTop(N));
  HWY_ALIGN float inverses[kAtOnce];
  hn::Store(hn::IfThenElseZero(hn::Gt(tops, hn::Set(df4, kDigitsLeast)), hn::Div(top, tops)), df4, inverses);
  VI all[2][kAtOnce], highest[2][kAtOnce];
  for (int i = 0; i < kAtOnce; ++i) {
    const V inverse = hn::Set(d, inverses[i]);
    VI codes[kVectors];
    const auto halvesOf = [&](VI (&sums)[2][kAtOnce]) HWY_ATTR {
      constexpr int half = kVectors / 2;
      for (int h = 0; h < 2; ++h) {
        sums[h][i] = codes[h * half];
        for (int j = 1; j < half; ++j) sums[h][i] = hn::Add(sums[h][i], codes[h * half + j]);
      }
      if (!halves) sums[0][i] = hn::Add(sums[0][i], sums[1][i]);
    };
    for (int j = 0; j < kVectors; ++j) codes[j] = nearest(hn::Mul(hn::LoadU(d, in + i * kBlock + j * kLanes), inverse));
    halvesOf(all);
    for (int n = 0; n < N - 1; ++n) {
      VI digit[kVectors];
      for (int j = 0; j < kVectors; ++j) {
        digit[j] = hn::ShiftRight<24>(hn::ShiftLeft<24>(codes[j]));
        codes[j] = hn::ShiftRight<8>(hn::Sub(codes[j], digit[j]));
      }
      storeBytes(digit, digits[i] + n * kBlock);
    }
    storeBytes(codes, digits[i] + (N - 1) * kBlock);
    if constexpr (N > 1) halvesOf(highest);
  }
  const auto add = [](auto a, auto b) HWY_ATTR { return hn::Add(a, b); };
  Quantized out;
  out.scale = hn::Add(hn::Div(tops, top), hn::Mul(tops, hn::Zero(df4)));  // no number if one of them is none or infinite
  for (int h = 0; h < 2; ++h) {
    const bool wanted = h == 0 || halves;
    out.all[h] = wanted ? reduceEach(all[h], add) : hn::Zero(di4);
    out.highest[h] = hn::Zero(di4);
    if constexpr (N > 1)
      if (wanted) out.highest[h] = reduceEach(highest[h], add);
  }
  return out;
}

/// Writes lane i of v to to[i * step], of the first `count` lanes.
template <class Lanes, class T>
HWY_INLINE void scatter(Lanes lanes, hn::Vec<Lanes> v, int count, T* to, std::int64_t step) {
  HWY_ALIGN T each[kAtOnce];
  hn::Store(v, lanes, each);
  for (int i = 0; i < count; ++i) to[i * step] = each[i];
}

/// Writes what of a row's blocks stands beside their digits; the first is block `at` of the tiles, the next ones follow T later.
template <int N>
HWY_INLINE void putSums(const DigitTiles& tiles, const Quantized& q, int count, std::int64_t at, std::int64_t T) {
  const hn::Rebind<float, DI4> df4;
  const auto all = hn::Add(q.all[0], q.all[1]), highest = hn::Add(q.highest[0], q.highest[1]);
  scatter(df4, q.scale, count, tiles.scales + at, T);
  if (tiles.sums32) scatter(df4, hn::Mul(q.scale, hn::ConvertTo(df4, all)), count, tiles.sums32 + at, T);
  if (tiles.sums16)
    for (int h = 0; h < 2; ++h) scatter(df4, hn::Mul(q.scale, hn::ConvertTo(df4, q.all[h])), count, tiles.sums16 + 2 * at + h, 2 * T);
  if (!tiles.bias) return;
  // -zero * sum, of the lower digits together and of the highest.
  const auto times = hn::Set(di4, -tiles.zero);
  const int parts = tiles.halves ? 2 : 1;
  for (int h = 0; h < parts; ++h) {
    const auto sum = tiles.halves ? q.all[h] : all, high = tiles.halves ? q.highest[h] : highest;
    std::int32_t* to = tiles.bias + (parts * at + h) * kBiases<N>;
    const std::int64_t step = parts * T * kBiases<N>;
    scatter(di4, hn::Mul(times, hn::Sub(sum, hn::ShiftLeft<16>(high))), count, to, step);
    if constexpr (N > 1) scatter(di4, hn::Mul(times, high), count, to + 1, step);
  }
}

template <int N>
void fillRows(const DigitTiles& tiles, ConstRows in, Range rows) {
  const std::int64_t blocks = tiles.padded / kBlock;
  const bool halves = tiles.sums16 || tiles.halves;
  HWY_ALIGN float rest[kAtOnce * kBlock];
  HWY_ALIGN std::int8_t nowhere[N * kBlock];
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const std::int64_t row0 = r / tiles.tile * tiles.tile, m = r - row0;
    const std::int64_t T = in.count - row0 < tiles.tile ? in.count - row0 : tiles.tile;
    std::int64_t at = row0 * blocks + m;
    for (std::int64_t first = 0; first < blocks; first += kAtOnce, at += kAtOnce * T) {
      const int count = blocks - first < kAtOnce ? static_cast<int>(blocks - first) : kAtOnce;
      const float* from = in.row(r) + first * kBlock;
      if (const std::int64_t left = in.width - first * kBlock; left < kAtOnce * kBlock) {
        for (std::int64_t k = 0; k < kAtOnce * kBlock; ++k) rest[k] = k < left ? from[k] : 0.0f;
        from = rest;
      }
      std::int8_t* to[kAtOnce];
      for (int i = 0; i < kAtOnce; ++i) to[i] = i < count ? tiles.x + (at + i * T) * N * kBlock : nowhere;
      putSums<N>(tiles, quantizeBlocks<N>(from, halves, to), count, at, T);
    }
  }
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
