// SPDX-License-Identifier: GPL-3.0-or-later
// Products of digits for several rows on AVX2. Included once per instruction set.
#if defined(TS_DIGITS_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_DIGITS_ROWS_INL_H
#undef TS_DIGITS_ROWS_INL_H
#else
#define TS_DIGITS_ROWS_INL_H
#endif

#include "engine/kernels/digits-inl.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX2
// Several rows with 16 registers: codes wait unpacked in the first-level cache, and a tile of R rows times the panel's two
// parts is summed in registers, so that a code serves R rows and a broadcast activation both parts. The integers are
// those of the kernel for one row (product_digits.cpp), and so are the bits. Signed codes need a widening for each product: nothing is won.

template <Element E>
constexpr int kRowTile = pairSums(E) == 8 ? 4 : 2;  // sums that are widened on the way need registers for both widths

/// All codes of a block, [group][part][8].
template <Element E>
HWY_INLINE void unpackCodes(const Planes& planes, std::int64_t block, std::int32_t* out) {
  for (int h = 0; h < kParts; ++h) {
    VI w[kGroups];
    loadCodes<E>(planes, block, h, w);
    for (int g = 0; g < kGroups; ++g) hn::Store(w[g], di, out + (g * kParts + h) * kLanes);
  }
}

/// sums[r][part]: integer sums of groups [first, first + count) with one digit of R rows, `stride` bytes apart.
template <int R, int first, int count, int most>
HWY_INLINE void dotTile(const std::int32_t* codes, const std::int8_t* x, std::int64_t stride, VI (&sums)[R][kParts]) {
  constexpr int run = most < count ? most : count;
  VI pairs[R][kParts];
#pragma GCC unroll 8
  for (int g = 0; g < count; ++g) {
    VI w[kParts];
    for (int h = 0; h < kParts; ++h) {
      w[h] = hn::Load(di, codes + ((first + g) * kParts + h) * kLanes);
      asm("" : "+x"(w[h].raw));  // or GCC loads it again for each row
    }
    for (int r = 0; r < R; ++r) {
      const VI xr = activation(x + r * stride, first + g);
      for (int h = 0; h < kParts; ++h) {
        const VI p = maddubs(w[h], xr);
        pairs[r][h] = g % run == 0 ? p : add16(pairs[r][h], p);
        if (g % run == run - 1) sums[r][h] = g < run ? widen(pairs[r][h]) : hn::Add(sums[r][h], widen(pairs[r][h]));
      }
    }
  }
}

/// The same with all digits, as floats in units of the rows' scales.
template <Element E, int N, int R, int first, int count, bool any>
HWY_INLINE void dotTileDigits(const std::int32_t* codes, const std::int8_t* x, Bias<any> bias, V (&out)[R][kParts]) {
  constexpr int most = pairSums(E);
  constexpr std::int64_t stride = N * kBlock;
  VI low[R][kParts];
  dotTile<R, first, count, most>(codes, x, stride, low);
  for (int r = 0; r < R; ++r)
    for (int h = 0; h < kParts; ++h) low[r][h] = hn::Add(low[r][h], bias.from(r, 0).start(0));
  if constexpr (N == 1) {
    for (int r = 0; r < R; ++r)
      for (int h = 0; h < kParts; ++h) out[r][h] = hn::ConvertTo(d, low[r][h]);
  } else {
    VI digit[R][kParts];
    dotTile<R, first, count, most>(codes, x + kBlock, stride, digit);
    for (int r = 0; r < R; ++r)
      for (int h = 0; h < kParts; ++h) out[r][h] = hn::ConvertTo(d, hn::Add(low[r][h], hn::ShiftLeft<8>(digit[r][h])));
    dotTile<R, first, count, most>(codes, x + 2 * kBlock, stride, digit);
    for (int r = 0; r < R; ++r)
      for (int h = 0; h < kParts; ++h) out[r][h] = hn::MulAdd(hn::ConvertTo(d, hn::Add(digit[r][h], bias.from(r, 0).start(1))), hn::Set(d, 65536.0f), out[r][h]);
  }
}

/// What R rows have of a block.
template <bool any>
struct BlockRows {
  const std::int8_t* x;
  const float *scales, *sums;
  Bias<any> bias;
};

/// One block times R rows, half after half where groups are of 16.
template <Element E, int sub, int N, int R, int half, bool any>
HWY_INLINE void addTile(const std::int32_t* codes, const BlockRows<any>& rows, const V (&scale)[kBlock / sub][kParts],
                        const V (&offset)[kBlock / sub][kParts], bool adds, float* y) {
  constexpr int halves = kBlock / sub;
  V s[R][kParts];
  dotTileDigits<E, N, R, half*(sub / 4), sub / 4>(codes, rows.x, rows.bias.from(0, half * kBiases<N>), s);
  for (int r = 0; r < R; ++r) {
    const V xScale = hn::Set(d, rows.scales[r]);
    for (int h = 0; h < kParts; ++h) {
      float* to = y + r * kPanel + h * kLanes;
      V sum = hn::MulAdd(scale[half][h], hn::Mul(s[r][h], xScale), hn::Load(d, to));
      if (adds) sum = hn::MulAdd(offset[half][h], hn::Set(d, rows.sums[r * halves + half]), sum);
      hn::Store(sum, d, to);
    }
  }
  if constexpr (half + 1 < halves) addTile<E, sub, N, R, half + 1>(codes, rows, scale, offset, adds, y);
}

/// One panel times one tile of T rows, whose digits begin at row `row0`.
template <Element E, int sub, int N, bool any>
HWY_NOINLINE void panelTimesRows(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, std::int64_t row0, std::int64_t T, float* y) {
  constexpr int halves = kBlock / sub;
  const Planes planes = planesOf(v, panel);
  const std::int64_t blocks = v.padded / kBlock, at = row0 * blocks, groupBlocks = sub == 16 ? 1 : v.group / kBlock;
  const bool adds = addsOffsets(v);
  const float* sums = sub == 16 ? tiles.sums16 : tiles.sums32;
  for (std::int64_t i = 0; i < T * kPanel; i += kLanes) hn::Store(hn::Zero(d), d, y + i);
  const auto bias = Bias<any>::template of<N, halves>(v, tiles, 0);
  HWY_ALIGN std::int32_t codes[kGroups * kPanel];
  std::int64_t group = 0, left = groupBlocks;
  for (std::int64_t block = 0; block < blocks; ++block) {
    prefetchAhead<E>(v, planes, panel, block, group);
    unpackCodes<E>(planes, block, codes);
    V scale[halves][kParts], offset[halves][kParts];
    for (int i = 0; i < halves; ++i)
      for (int h = 0; h < kParts; ++h) {
        scale[i][h] = scaleOf(v, panel, group + i, h);
        offset[i][h] = adds ? offsetOf(v, panel, group + i, h, scale[i][h]) : scale[i][h];
      }
    const auto rowsAt = [&](std::int64_t m) HWY_ATTR {
      const std::int64_t i = at + block * T + m;
      return BlockRows<any>{tiles.x + i * N * kBlock, tiles.scales + i, adds ? sums + i * halves : nullptr, bias.from(i, 0)};
    };
    constexpr int R = kRowTile<E>;
    std::int64_t m = 0;
    for (; m + R <= T; m += R) addTile<E, sub, N, R, 0>(codes, rowsAt(m), scale, offset, adds, y + m * kPanel);
    for (; m < T; ++m) addTile<E, sub, N, 1, 0>(codes, rowsAt(m), scale, offset, adds, y + m * kPanel);
    if (--left == 0) left = groupBlocks, group += halves;
  }
}
#endif

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
