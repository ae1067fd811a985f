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

#if TS_ROWS_APART
// Several rows with 16 registers: a tile of R rows times the panel's two parts is summed in registers, so that a code serves R rows and a
// broadcast activation both parts. Where there are more rows, codes wait unpacked in the first-level cache. The integers are
// those of the kernel for one row (digits_row-inl.h), and so are the bits.
//
// Signed bytes would need their sign given to the activations and each product widened at once: five instructions a vector of
// products. As pairs of 16 bits, codes and activations alike, two products take a multiplication and an addition.

/// Words for a group of four codes or activations.
template <Element E>
constexpr int kWords = kByPairs<E> ? 2 : 1;
template <Element E>
constexpr int kRowTile = kByPairs<E> || pairSums(E) == 8 ? 4 : 2;  // sums that are widened on the way need registers for both widths

/// Bytes 0 and 2, and 1 and 3, of every word, as two 16-bit integers.
HWY_INLINE VI evenBytes(VI bytes) { return VI{_mm256_srai_epi16(_mm256_slli_epi16(bytes.raw, 8), 8)}; }
HWY_INLINE VI oddBytes(VI bytes) { return VI{_mm256_srai_epi16(bytes.raw, 8)}; }
HWY_INLINE VI productOfPairs(VI a, VI b) { return VI{_mm256_madd_epi16(a.raw, b.raw)}; }

/// All codes of a block, [group][part][8]; by pairs [even, odd][group][part][8].
template <Element E>
HWY_INLINE void unpackCodes(const Planes& planes, std::int32_t* out) {
  for (int h = 0; h < kParts; ++h) {
    VI w[kGroups];
    loadCodes<E>(planes, h, w);
    for (int g = 0; g < kGroups; ++g)
      if constexpr (kByPairs<E>) {
        hn::Store(evenBytes(w[g]), di, out + (g * kParts + h) * kLanes);
        hn::Store(oddBytes(w[g]), di, out + ((kGroups + g) * kParts + h) * kLanes);
      } else {
        hn::Store(w[g], di, out + (g * kParts + h) * kLanes);
      }
  }
}

/// Activations of `count` rows and blocks, [32 bytes] each, by pairs: [even, odd][group].
HWY_INLINE void unpackRows(const std::int8_t* x, std::int64_t count, std::int32_t* out) {
  static_assert(kLanes == kGroups);
  for (std::int64_t i = 0; i < count; ++i, x += kBlock, out += 2 * kGroups) {
    const VI bytes = hn::Load(di, reinterpret_cast<const std::int32_t*>(x));
    hn::Store(evenBytes(bytes), di, out);
    hn::Store(oddBytes(bytes), di, out + kGroups);
  }
}

/// Codes of a block as they wait unpacked: word `word` of group g for a part's rows; by pairs there are two.
struct Unpacked {
  const std::int32_t* at;
  template <Element>
  HWY_INLINE VI load(int g, int word, int part) const {
    return hn::Load(di, at + ((word * kGroups + g) * kParts + part) * kLanes);
  }
};
/// The same where they lie.
struct Packed {
  const Planes& planes;
  template <Element E>
  HWY_INLINE VI load(int g, int word, int part) const {
    const VI bytes = g % 2 == 0 ? codes<E, 0>(planes, g / 2, part) : codes<E, 1>(planes, g / 2, part);
    if constexpr (kByPairs<E>) return word == 0 ? evenBytes(bytes) : oddBytes(bytes);
    else return bytes;
  }
};

/// sums[r][part]: integer sums of groups [first, first + count) with one digit of R rows, `stride` bytes apart.
template <Element E, int R, int first, int count, class Source>
HWY_INLINE void dotTile(const Source& source, const std::int8_t* x, std::int64_t stride, VI (&sums)[R][kParts]) {
  static_assert(!kByPairs<E> || count == kGroups);
  constexpr int run = pairSums(E) < count ? pairSums(E) : count;
  VI narrow[R][kParts];
#pragma GCC unroll 8
  for (int g = 0; g < count; ++g) {
#pragma GCC unroll 2
    for (int i = 0; i < kWords<E>; ++i) {
      VI w[kParts];
#pragma GCC unroll 2
      for (int h = 0; h < kParts; ++h) {
        w[h] = source.template load<E>(first + g, i, h);
        keep(w[h]);  // or GCC makes it again for each row
      }
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const VI xr = activation(x + r * stride, i * kGroups + first + g);
#pragma GCC unroll 2
        for (int h = 0; h < kParts; ++h) {
          if constexpr (kByPairs<E>) {
            const VI p = productOfPairs(w[h], xr);
            sums[r][h] = g == 0 && i == 0 ? p : hn::Add(sums[r][h], p);
            keep(sums[r][h]);  // or GCC puts off the additions of a whole block, and runs out of registers
          } else {
            const VI p = maddubs(w[h], xr);
            narrow[r][h] = g % run == 0 ? p : add16(narrow[r][h], p);
            if (g % run == run - 1) sums[r][h] = g < run ? widen(narrow[r][h]) : hn::Add(sums[r][h], widen(narrow[r][h]));
          }
        }
      }
    }
  }
}

/// The same with all digits, as floats in units of the rows' scales.
template <Element E, int N, int R, int first, int count, bool any, class Source>
HWY_INLINE void dotTileDigits(const Source& source, const std::int8_t* x, Bias<any> bias, V (&out)[R][kParts]) {
  constexpr std::int64_t stride = kWords<E> * N * kBlock;
  VI low[R][kParts];
  dotTile<E, R, first, count>(source, x, stride, low);
  if constexpr (any)
    for (int r = 0; r < R; ++r)
      for (int h = 0; h < kParts; ++h) low[r][h] = hn::Add(low[r][h], bias.from(r, 0).start(0));
  if constexpr (N == 1) {
    for (int r = 0; r < R; ++r)
      for (int h = 0; h < kParts; ++h) out[r][h] = hn::ConvertTo(d, low[r][h]);
  } else {
    VI digit[R][kParts];
    dotTile<E, R, first, count>(source, x + kBlock, stride, digit);
    for (int r = 0; r < R; ++r)
      for (int h = 0; h < kParts; ++h) out[r][h] = hn::ConvertTo(d, hn::Add(low[r][h], hn::ShiftLeft<8>(digit[r][h])));
    dotTile<E, R, first, count>(source, x + 2 * kBlock, stride, digit);
    for (int r = 0; r < R; ++r)
      for (int h = 0; h < kParts; ++h) out[r][h] = hn::MulAdd(hn::ConvertTo(d, hn::Add(digit[r][h], bias.from(r, 0).start(1))), hn::Set(d, 65536.0f), out[r][h]);
  }
}

/// What rows have of a block, from one row on.
template <bool any>
struct BlockRows {
  const std::int8_t* x;
  const float *scales, *sums;
  Bias<any> bias;
  float* y;  ///< [row][16]
};

/// One block times R rows, half after half where groups are of 16.
template <Element E, int sub, int N, int R, int half, bool any, class Source>
HWY_INLINE void addTile(const Source& source, const BlockRows<any>& rows, const V (&scale)[kBlock / sub][kParts],
                        const V (&offset)[kBlock / sub][kParts], bool adds) {
  constexpr int halves = kBlock / sub;
  V s[R][kParts];
  dotTileDigits<E, N, R, half*(sub / 4), sub / 4>(source, rows.x, rows.bias.from(0, half * kBiases<N>), s);
  for (int r = 0; r < R; ++r) {
    const V xScale = hn::Set(d, rows.scales[r]);
    for (int h = 0; h < kParts; ++h) {
      float* to = rows.y + r * kPanel + h * kLanes;
      V sum = hn::MulAdd(scale[half][h], hn::Mul(s[r][h], xScale), hn::Load(d, to));
      if (adds) sum = hn::MulAdd(offset[half][h], hn::Set(d, rows.sums[r * halves + half]), sum);
      hn::Store(sum, d, to);
    }
  }
  if constexpr (half + 1 < halves) addTile<E, sub, N, R, half + 1>(source, rows, scale, offset, adds);
}

/// One panel times one tile of T rows, the first of which is row `row0`, with digits x. The sums are left in y. direct: T, where all rows at once
/// meet codes where they lie; 0 where codes are unpacked to memory, which is worth it if they are met again.
template <Element E, int sub, int N, bool any, int direct>
HWY_NOINLINE void panelTimesRowsBy(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, const std::int8_t* x, std::int64_t row0, std::int64_t tileRows, float* y) {
  const std::int64_t T = direct > 0 ? direct : tileRows;
  assert(T == tileRows);
  constexpr int halves = kBlock / sub;
  static_assert(!kByPairs<E> || (N == 1 && halves == 1));
  const std::int64_t blocks = v.padded / kBlock, at = row0 * blocks;
  const bool adds = addsOffsets(v);
  const float* sums = sub == 16 ? tiles.sums16 : tiles.sums32;
  for (std::int64_t i = 0; i < T * kPanel; i += kLanes) hn::Store(hn::Zero(d), d, y + i);
  constexpr std::int64_t rowBytes = kWords<E> * N * kBlock;
  const auto bias = Bias<any>::template of<N, halves>(v, tiles, at);
  Walk<E> walk(v, panel, true);
  for (std::int64_t block = 0; block < blocks; ++block) {
    walk.next();
    askForBlock<E>(walk.planes);
    V scale[halves][kParts], offset[halves][kParts];
    for (int i = 0; i < halves; ++i)
      for (int h = 0; h < kParts; ++h) {
        scale[i][h] = scaleOf(v, walk.section, walk.group + i, h);
        offset[i][h] = adds ? offsetOf(v, walk.section, walk.group + i, h, scale[i][h]) : scale[i][h];
      }
    const auto some = [&](auto count, std::int64_t m, const auto& source) HWY_ATTR {
      const std::int64_t i = block * T + m;
      const BlockRows<any> rows{x + i * rowBytes, tiles.scales + at + i, adds ? sums + (at + i) * halves : nullptr, bias.from(i, 0), y + m * kPanel};
      addTile<E, sub, N, count, 0>(source, rows, scale, offset, adds);
    };
    if constexpr (direct > 0) {
      some(std::integral_constant<int, direct>(), 0, Packed{walk.planes});
    } else {
      HWY_ALIGN std::int32_t unpacked[kWords<E> * kGroups * kPanel];
      unpackCodes<E>(walk.planes, unpacked);
      const auto unpackedTimes = [&](auto count, std::int64_t m) HWY_ATTR {
        const std::int32_t* codes = unpacked;
        asm("" : "+r"(codes));  // or GCC copies them, ahead of the loop over the rows
        some(count, m, Unpacked{codes});
      };
      constexpr int R = kRowTile<E>;
      std::int64_t m = 0;
      for (; m + R <= T; m += R) unpackedTimes(std::integral_constant<int, R>(), m);
      if constexpr (R == 4 && N == 1) {  // with three digits GCC 12 makes two left over slower than one after another
        if (m + 2 <= T) unpackedTimes(std::integral_constant<int, 2>(), m), m += 2;
      }
      for (; m < T; ++m) unpackedTimes(std::integral_constant<int, 1>(), m);
    }
  }
}
template <Element E, int sub, int N, bool any>
HWY_INLINE void panelTimesRows(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, const std::int8_t* x, std::int64_t row0, std::int64_t T, float* y) {
  if (T == 2) return panelTimesRowsBy<E, sub, N, any, 2>(v, panel, tiles, x, row0, T, y);
  if constexpr (kRowTile<E> == 4) {
    if (T == 3) return panelTimesRowsBy<E, sub, N, any, 3>(v, panel, tiles, x, row0, T, y);
    if (T == 4) return panelTimesRowsBy<E, sub, N, any, 4>(v, panel, tiles, x, row0, T, y);
  }
  panelTimesRowsBy<E, sub, N, any, 0>(v, panel, tiles, x, row0, T, y);
}
#endif

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
