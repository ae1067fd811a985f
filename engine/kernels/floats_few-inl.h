// SPDX-License-Identifier: GPL-3.0-or-later
// Products of floats, and of codes that do not go by digits, with a tile of rows, straight from the codes. Included once per instruction set.
#if defined(TS_FLOATS_FEW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_FLOATS_FEW_INL_H
#undef TS_FLOATS_FEW_INL_H
#else
#define TS_FLOATS_FEW_INL_H
#endif

#include "engine/kernels/floats-inl.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

/// Floats are asked for a page ahead and into the first-level cache, as further was slower; with AVX-512 as codes are, which was faster.
HWY_INLINE void askForFloats(const std::byte* line) {
  if constexpr (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL) askFor(line);
  else __builtin_prefetch(line + 4096);
}

/// sums[m][part] += 4 k of codes times x, which is at the first of them.
template <int T>
HWY_INLINE void addFour(const VI (&bytes)[kParts], const float* x, V (&sums)[T][kParts]) {
  const auto one = [&](auto j) HWY_ATTR {
    V w[kParts];
    for (int h = 0; h < kParts; ++h) w[h] = codeToFloat<j>(bytes[h]);
    for (int m = 0; m < T; ++m) {
      const V xm = hn::Set(d, x[j * T + m]);
      for (int h = 0; h < kParts; ++h) sums[m][h] = hn::MulAdd(w[h], xm, sums[m][h]);
    }
  };
  one(std::integral_constant<int, 0>()), one(std::integral_constant<int, 1>());
  one(std::integral_constant<int, 2>()), one(std::integral_constant<int, 3>());
}

/// sums[q][m][part] += products of blocks block .. block + Q - 1 of a section; x is at the first of them.
template <Element E, int T, int Q>
HWY_INLINE void addProducts(const PanelView& v, const Section& section, std::int64_t block, bool asks, const float* x, V (&sums)[Q][T][kParts]) {
  Planes planes[Q];
#pragma GCC unroll 4
  for (int q = 0; q < Q; ++q) planes[q] = planesOf<E>(v, section, block + q);
  const auto* at = reinterpret_cast<const std::byte*>(planes[0].base);
  if constexpr (isFloat(E)) {
    static_assert(Q == 1);
    constexpr int bytes = baseBits(E) / 8 * kPanel;
#pragma GCC unroll 4
    for (int k = 0; k < kBlock; ++k) {
      if (k * bytes % 64 == 0 && asks) askForFloats(at + k * bytes);
      V w[kParts];
      for (int h = 0; h < kParts; ++h) w[h] = loadFloat<E>(planes[0], k, h);
      for (int m = 0; m < T; ++m) {
        const V xm = hn::Set(d, x[k * T + m]);
        for (int h = 0; h < kParts; ++h) sums[0][m][h] = hn::MulAdd(w[h], xm, sums[0][m][h]);
      }
    }
  } else {
    constexpr int lines = kBlockLines<E>;
#pragma GCC unroll 1
    for (int w = 0; w < 4; ++w) {
      if (asks)  // in order, other than the blocks take them
        for (int i = 0; i < Q * lines / 4; ++i) askFor(at + (w * Q * lines / 4 + i) * 64);
#pragma GCC unroll 4
      for (int q = 0; q < Q; ++q) {  // unrolled, or the sums live in memory
        VI bytes[kParts];
        for (int h = 0; h < kParts; ++h) bytes[h] = codes<E, 0>(planes[q], w, h);
        addFour<T>(bytes, x + (q * kBlock + 8 * w) * T, sums[q]);
        for (int h = 0; h < kParts; ++h) bytes[h] = codes<E, 1>(planes[q], w, h);
        addFour<T>(bytes, x + (q * kBlock + 8 * w + 4) * T, sums[q]);
      }
    }
  }
}

/// One block's sums into the results.
template <Element E, int T>
HWY_INLINE void addScaled(const PanelView& v, const Section& section, std::int64_t block, const V (&sums)[T][kParts],
                          const float* xSums, V (&y)[T][kParts]) {
  for (int h = 0; h < kParts; ++h) {
    if constexpr (isFloat(E)) {
      for (int m = 0; m < T; ++m) y[m][h] = hn::Add(y[m][h], sums[m][h]);
    } else {
      const std::int64_t group = v.group == kBlock ? block : block * kBlock / v.group;  // dividing takes long
      const V scale = scaleOf(v, section, group, h), scaled = hn::Mul(scale, hn::Set(d, kCodeScale));
      for (int m = 0; m < T; ++m) y[m][h] = hn::MulAdd(scaled, sums[m][h], y[m][h]);
      if (v.offsetKind == OffsetKind::None) continue;
      const V offset = offsetOf(v, section, group, h, scale);
      for (int m = 0; m < T; ++m) y[m][h] = hn::MulAdd(offset, hn::Set(d, xSums[m]), y[m][h]);
    }
  }
}

/// Blocks [b, b + Q) of a section; the first is the panel's `block`.
template <Element E, int T, int Q>
HWY_INLINE void blocks(const PanelView& v, const Section& section, std::int64_t b, bool asks, const FloatTiles& tiles, std::int64_t block, V (&y)[T][kParts]) {
  V sums[Q][T][kParts];
  clear(sums);
  addProducts<E, T, Q>(v, section, b, asks, tiles.x + block * kBlock * T, sums);
  for (int q = 0; q < Q; ++q) addScaled<E, T>(v, section, b + q, sums[q], tiles.sums + (block + q) * T, y);
}

/// All of one panel for one tile of T rows, straight from its codes. Codes that take long to become floats go Q blocks
/// at once, so that their independent sums hide the latency of the multiply-add.
template <Element E, int T>
HWY_INLINE void direct(const PanelView& v, std::int64_t panel, const FloatTiles& tiles, Rows out) {
  constexpr int most = HWY_TARGET == HWY_AVX2 ? 2 : 4;  // as whole sections have; on AVX2 one row was slower from memory with 4, whose lines lie further apart
  constexpr int Q = isFloat(E) || T * kParts >= 8 ? 1 : 8 / (T * kParts) > most ? most : 8 / (T * kParts);
  const std::int64_t all = v.padded / kBlock;
  const bool asks = T > 1 || !isFloat(E) || rowAsks<E, 1>();
  V y[T][kParts];
  for (int m = 0; m < T; ++m)
    for (int h = 0; h < kParts; ++h) y[m][h] = hn::Zero(d);
  std::int64_t block = 0;  // of the panel
  Section section = sectionOf(v, panel, 0);
  for (std::int64_t i = 0; block < all; ++i) {
    if (i > 0 && i < v.wholeSections) toNext(v, section);
    else if (i > 0) section = sectionOf(v, panel, i);
    if (asks) askForHeader(section);
    std::int64_t b = 0;
    for (; b + Q <= section.blocks; b += Q, block += Q) blocks<E, T, Q>(v, section, b, asks, tiles, block, y);
    if constexpr (Q > 1)
      for (; b < section.blocks; ++b, ++block) blocks<E, T, 1>(v, section, b, asks, tiles, block, y);
  }
  for (int m = 0; m < T; ++m) storePanel(y[m], out.row(m) + panel * kPanel, v.rows - panel * kPanel);
}

template <Element E, int T>
void directPanels(const PanelView& v, Range panels, const FloatTiles& tiles, Rows out) {
  for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) direct<E, T>(v, panel, tiles, out);
}
template <Element E, int... t>
void few(const PanelView& v, Range panels, const FloatTiles& tiles, Rows out, std::integer_sequence<int, t...>) {
  static constexpr void (*all[])(const PanelView&, Range, const FloatTiles&, Rows) = {directPanels<E, t + 1>...};
  all[tiles.count - 1](v, panels, tiles, out);
}
template <Element E>
void fewPanels(const PanelView& v, Range panels, const FloatTiles& tiles, Rows out) {
  if constexpr (!kExactByDigits<E>) few<E>(v, panels, tiles, out, std::make_integer_sequence<int, kTile>());
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
