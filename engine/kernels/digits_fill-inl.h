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
HWY_INLINE hn::Vec<DI4> reduceToFour(Lanes lanes, Vector v, Op op) {
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

/// Of each block.
struct BlockSums {
  HWY_ALIGN std::int32_t all[2][kAtOnce];      ///< digits added up, by halves where that is asked for
  HWY_ALIGN std::int32_t highest[2][kAtOnce];  ///< highest digits added up
  HWY_ALIGN float scales[kAtOnce];
};

/// 32 floats each to N digits each, [N][32]. Without `halves` all sums are those of the first half.
template <int N>
HWY_INLINE void quantizeBlocks(const float* const (&rows)[kAtOnce], bool halves, std::int8_t* const (&digits)[kAtOnce], BlockSums& out) {
  constexpr int vectors = kBlock / kLanes;
  const hn::Rebind<std::int8_t, D> d8;
  const hn::Rebind<float, DI4> df4;
  // Without their sign, floats are ordered as integers are, and what is no number or infinite comes last.
  VI largest[kAtOnce];
  for (int i = 0; i < kAtOnce; ++i) {
    largest[i] = hn::Zero(di);
    for (int j = 0; j < vectors; ++j) largest[i] = hn::Max(largest[i], hn::BitCast(di, hn::Abs(hn::LoadU(d, rows[i] + j * kLanes))));
  }
  const auto tops = hn::BitCast(df4, reduceEach(largest, [](auto a, auto b) HWY_ATTR { return hn::Max(a, b); }));
  const auto highestCode = hn::Set(df4, digitsTop(N));
  HWY_ALIGN float inverses[kAtOnce];
  hn::Store(hn::IfThenElseZero(hn::Gt(tops, hn::Set(df4, kDigitsLeast)), hn::Div(highestCode, tops)), df4, inverses);
  // No number if one of them is none or infinite.
  hn::Store(hn::Add(hn::Div(tops, highestCode), hn::Mul(tops, hn::Zero(df4))), df4, out.scales);
  VI all[2][kAtOnce], highest[2][kAtOnce];
  for (int i = 0; i < kAtOnce; ++i) {
    for (int h = 0; h < 2; ++h) all[h][i] = highest[h][i] = hn::Zero(di);
    const V inverse = hn::Set(d, inverses[i]);
    for (int j = 0; j < vectors; ++j) {
      VI code = hn::NearestInt(hn::Mul(hn::LoadU(d, rows[i] + j * kLanes), inverse));
      const int h = j * kLanes / 16;
      all[h][i] = hn::Add(all[h][i], code);
      for (int n = 0; n < N - 1; ++n) {
        const VI digit = hn::ShiftRight<24>(hn::ShiftLeft<24>(code));
        hn::Store(hn::DemoteTo(d8, digit), d8, digits[i] + n * kBlock + j * kLanes);
        code = hn::ShiftRight<8>(hn::Sub(code, digit));
      }
      hn::Store(hn::DemoteTo(d8, code), d8, digits[i] + (N - 1) * kBlock + j * kLanes);
      highest[h][i] = hn::Add(highest[h][i], code);
    }
    if (!halves) all[0][i] = hn::Add(all[0][i], all[1][i]), highest[0][i] = hn::Add(highest[0][i], highest[1][i]);
  }
  const auto add = [](auto a, auto b) HWY_ATTR { return hn::Add(a, b); };
  for (int h = 0; h < 2; ++h) {
    const bool wanted = h == 0 || halves;
    hn::Store(wanted ? reduceEach(all[h], add) : hn::Zero(di4), di4, out.all[h]);
    if constexpr (N > 1) hn::Store(wanted ? reduceEach(highest[h], add) : hn::Zero(di4), di4, out.highest[h]);
    else hn::Store(hn::Zero(di4), di4, out.highest[h]);
  }
}

/// Of what is no number anything may come here.
HWY_INLINE std::int32_t plus(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

/// -zero * sum, of the lower digits together and of the highest. Without sign, since what is no number may be anything here.
template <int N>
HWY_INLINE void putBias(int zero, std::int32_t all, std::int32_t highest, std::int32_t* to) {
  const auto times = 0u - static_cast<std::uint32_t>(zero), high = static_cast<std::uint32_t>(highest);
  to[0] = static_cast<std::int32_t>(times * (static_cast<std::uint32_t>(all) - (high << 16)));
  if constexpr (N > 1) to[1] = static_cast<std::int32_t>(times * high);
}

template <int N>
void fillRows(const DigitTiles& tiles, ConstRows in, Range rows) {
  const std::int64_t blocks = tiles.padded / kBlock;
  const bool halves = tiles.sums16 || tiles.halves;
  HWY_ALIGN float rest[kBlock];
  BlockSums sums;
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const std::int64_t row0 = r / tiles.tile * tiles.tile, m = r - row0;
    const std::int64_t T = in.count - row0 < tiles.tile ? in.count - row0 : tiles.tile;
    for (std::int64_t first = 0; first < blocks; first += kAtOnce) {
      const int count = blocks - first < kAtOnce ? static_cast<int>(blocks - first) : kAtOnce;
      const float* from[kAtOnce];
      std::int8_t* to[kAtOnce];
      for (int i = 0; i < kAtOnce; ++i) {  // beyond the last block, that one again
        const std::int64_t b = first + (i < count ? i : count - 1), k0 = b * kBlock;
        from[i] = in.row(r) + k0;
        to[i] = tiles.x + (row0 * blocks + b * T + m) * N * kBlock;
        if (k0 + kBlock <= in.width) continue;
        for (std::int64_t k = 0; k < kBlock; ++k) rest[k] = k0 + k < in.width ? in.row(r)[k0 + k] : 0.0f;
        from[i] = rest;
      }
      quantizeBlocks<N>(from, halves, to, sums);
      for (int i = 0; i < count; ++i) {
        const std::int64_t at = row0 * blocks + (first + i) * T + m;
        const float scale = sums.scales[i];
        const std::int32_t whole = plus(sums.all[0][i], sums.all[1][i]);
        tiles.scales[at] = scale;
        if (tiles.sums16)
          for (int h = 0; h < 2; ++h) tiles.sums16[2 * at + h] = scale * static_cast<float>(sums.all[h][i]);
        if (tiles.sums32) tiles.sums32[at] = scale * static_cast<float>(whole);
        if (tiles.halves && tiles.bias)
          for (int h = 0; h < 2; ++h) putBias<N>(tiles.zero, sums.all[h][i], sums.highest[h][i], tiles.bias + (2 * at + h) * kBiases<N>);
        else if (tiles.bias)
          putBias<N>(tiles.zero, whole, plus(sums.highest[0][i], sums.highest[1][i]), tiles.bias + at * kBiases<N>);
      }
    }
  }
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
