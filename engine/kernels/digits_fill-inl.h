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

/// A block's digits, added up, by halves where that is asked for.
struct BlockSums {
  std::int32_t all[2], highest[2];  ///< of q; of its highest digit
};

/// 32 floats to N digits each, [N][32]; returns the scale. Without `halves` all sums are those of the first half.
template <int N>
HWY_INLINE float quantizeBlock(const float* row, bool halves, std::int8_t* digits, BlockSums& sums) {
  constexpr int vectors = kBlock / kLanes;
  const hn::Rebind<std::int8_t, D> d8;
  // Without their sign, floats are ordered as integers are, and what is no number or infinite comes last.
  VI largest = hn::Zero(di);
  for (int i = 0; i < vectors; ++i) largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, row + i * kLanes))));
  const std::int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  float top;
  __builtin_memcpy(&top, &bits, sizeof top);
  const V inverse = hn::Set(d, top > kDigitsLeast ? digitsTop(N) / top : 0.0f);
  VI all[2] = {hn::Zero(di), hn::Zero(di)}, highest[2] = {hn::Zero(di), hn::Zero(di)};
  for (int i = 0; i < vectors; ++i) {
    VI code = hn::NearestInt(hn::Mul(hn::LoadU(d, row + i * kLanes), inverse));
    const int half = i * kLanes / 16;
    all[half] = hn::Add(all[half], code);
    for (int n = 0; n < N - 1; ++n) {
      const VI digit = hn::ShiftRight<24>(hn::ShiftLeft<24>(code));
      hn::Store(hn::DemoteTo(d8, digit), d8, digits + n * kBlock + i * kLanes);
      code = hn::ShiftRight<8>(hn::Sub(code, digit));
    }
    hn::Store(hn::DemoteTo(d8, code), d8, digits + (N - 1) * kBlock + i * kLanes);
    highest[half] = hn::Add(highest[half], code);
  }
  if (!halves) all[0] = hn::Add(all[0], all[1]), all[1] = hn::Zero(di), highest[0] = hn::Add(highest[0], highest[1]), highest[1] = hn::Zero(di);
  sums = {};
  for (int i = 0; i < (halves ? 2 : 1); ++i) {
    sums.all[i] = hn::GetLane(hn::SumOfLanes(di, all[i]));
    if constexpr (N > 1) sums.highest[i] = hn::GetLane(hn::SumOfLanes(di, highest[i]));
  }
  return top / digitsTop(N) + top * 0.0f;  // no number if one of them is none or infinite
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
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const std::int64_t row0 = r / tiles.tile * tiles.tile, m = r - row0;
    const std::int64_t T = in.count - row0 < tiles.tile ? in.count - row0 : tiles.tile;
    for (std::int64_t b = 0; b < blocks; ++b) {
      const std::int64_t k0 = b * kBlock, at = row0 * blocks + b * T + m;
      const float* row = in.row(r) + k0;
      if (k0 + kBlock > in.width) {
        for (std::int64_t k = 0; k < kBlock; ++k) rest[k] = k0 + k < in.width ? row[k] : 0.0f;
        row = rest;
      }
      BlockSums sums;
      const float scale = quantizeBlock<N>(row, halves, tiles.x + at * N * kBlock, sums);
      const std::int32_t whole = plus(sums.all[0], sums.all[1]);
      tiles.scales[at] = scale;
      if (tiles.sums16)
        for (int i = 0; i < 2; ++i) tiles.sums16[2 * at + i] = scale * static_cast<float>(sums.all[i]);
      if (tiles.sums32) tiles.sums32[at] = scale * static_cast<float>(whole);
      if (tiles.halves && tiles.bias)
        for (int i = 0; i < 2; ++i) putBias<N>(tiles.zero, sums.all[i], sums.highest[i], tiles.bias + (2 * at + i) * kBiases<N>);
      else if (tiles.bias)
        putBias<N>(tiles.zero, whole, plus(sums.highest[0], sums.highest[1]), tiles.bias + at * kBiases<N>);
    }
  }
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
