// SPDX-License-Identifier: GPL-3.0-or-later
// Products of digits for one row on AVX2. Included once per instruction set.
#if defined(TS_DIGITS_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_DIGITS_ROW_INL_H
#undef TS_DIGITS_ROW_INL_H
#else
#define TS_DIGITS_ROW_INL_H
#endif

#include "engine/kernels/digits-inl.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

#if TS_ROWS_APART
// One row reads weights once, from memory, and is done when they have come. So a block's words are taken line after line, as memory
// gives them, each with all digits while it is in a register, and a broadcast activation serves both parts. The
// integers are those of the kernel for several rows (digits_rows-inl.h), and so are the bits.

/// sums[digit][part] of groups [first, first + count) of a block.
template <Element E, int N, int first, int count>
HWY_INLINE void dotRow(const Planes& planes, bool asks, const std::int8_t* x, VI (&sums)[N][kParts]) {
  static_assert(!kSigned<E> || N == 1);  // whose digits are above -128, as a sign that may change wants them
  constexpr int run = kSigned<E> ? 1 : pairSums(E) < count ? pairSums(E) : count;
  VI narrow[N][kParts];
#pragma GCC unroll 4
  for (int word = first / 2; word < (first + count) / 2; ++word) {
    if (asks) askForWord<E>(planes, word);
    VI w[2][kParts];
#pragma GCC unroll 2
    for (int h = 0; h < kParts; ++h) w[0][h] = codes<E, 0>(planes, word, h), w[1][h] = codes<E, 1>(planes, word, h);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const int g = 2 * word + half, i = g - first;
#pragma GCC unroll 3
      for (int n = 0; n < N; ++n) {
        const VI xn = activation(x + n * kBlock, g);
#pragma GCC unroll 2
        for (int h = 0; h < kParts; ++h) {
          VI p;
          if constexpr (kSigned<E>) p = maddubs(magnitude(w[half][h]), withSign(xn, w[half][h]));
          else p = maddubs(w[half][h], xn);
          if (i % run > 0) p = add16(narrow[n][h], p);
          keep(p);  // or GCC puts off the additions of a whole block, and runs out of registers
          narrow[n][h] = p;
          if (i % run == run - 1) sums[n][h] = i < run ? widen(p) : hn::Add(sums[n][h], widen(p));
        }
      }
    }
  }
}

/// The same with all digits, as floats in units of the row's scale.
template <Element E, int N, int first, int count, bool any>
HWY_INLINE void dotRowDigits(const Planes& planes, bool asks, const std::int8_t* x, Bias<any> bias, V (&out)[kParts]) {
  VI sums[N][kParts];
  dotRow<E, N, first, count>(planes, asks, x, sums);
#pragma GCC unroll 2
  for (int h = 0; h < kParts; ++h) {
    VI low = sums[0][h];
    if constexpr (any) low = hn::Add(low, bias.start(0));
    if constexpr (N == 1) {
      out[h] = hn::ConvertTo(d, low);
    } else {
      VI high = sums[2][h];
      if constexpr (any) high = hn::Add(high, bias.start(1));
      out[h] = hn::MulAdd(hn::ConvertTo(d, high), hn::Set(d, 65536.0f), hn::ConvertTo(d, hn::Add(low, hn::ShiftLeft<8>(sums[1][h]))));
    }
  }
}

/// One panel times row `row` with digits x; the 16 results to `to`.
template <Element E, int sub, int N, bool any>
HWY_NOINLINE void panelTimesRow(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, const std::int8_t* x, std::int64_t row, float* to) {
  constexpr int halves = kBlock / sub;
  const std::int64_t blocks = v.padded / kBlock, at = row * blocks;
  const bool adds = addsOffsets(v), asks = rowAsks<E, N>();
  const float* scales = tiles.scales + at;
  const float* sums = sub == 16 ? tiles.sums16 : tiles.sums32;  // null unless there are offsets
  if (sums) sums += at * halves;
  auto bias = Bias<any>::template of<N, halves>(v, tiles, at);
  V y[kParts];
#pragma GCC unroll 2
  for (int h = 0; h < kParts; ++h) y[h] = hn::Zero(d);
  Walk<E> walk(v, panel, asks);
  for (std::int64_t block = 0; block < blocks; ++block) {
    walk.next();
    const V xScale = hn::Set(d, scales[block]);
    const auto half = [&](auto i) HWY_ATTR {
      V s[kParts];
      dotRowDigits<E, N, i*(sub / 4), sub / 4>(walk.planes, asks, x, bias.from(0, i * kBiases<N>), s);
#pragma GCC unroll 2
      for (int h = 0; h < kParts; ++h) {
        const V scale = scaleOf(v, walk.section, walk.group + i, h);
        y[h] = hn::MulAdd(scale, hn::Mul(s[h], xScale), y[h]);
        if (adds) y[h] = hn::MulAdd(offsetOf(v, walk.section, walk.group + i, h, scale), hn::Set(d, sums[block * halves + i]), y[h]);
      }
    };
    half(std::integral_constant<int, 0>());
    if constexpr (halves == 2) half(std::integral_constant<int, 1>());
    x += N * kBlock, bias = bias.from(1, 0);
  }
#pragma GCC unroll 2
  for (int h = 0; h < kParts; ++h) hn::StoreU(y[h], d, to + h * kLanes);
}
#endif

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
