// SPDX-License-Identifier: GPL-3.0-or-later
// Products of floats, and of codes, with many rows: a slab of weights is unpacked, then every tile meets it; and unpacking of every format.
// Included once per instruction set.
#if defined(TS_FLOATS_SLABS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_FLOATS_SLABS_INL_H
#undef TS_FLOATS_SLABS_INL_H
#else
#define TS_FLOATS_SLABS_INL_H
#endif

#include "engine/kernels/floats-inl.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

/// Codes (times 2^24) or floats of `count` blocks, [32 * count][16].
template <Element E>
HWY_NOINLINE void slabOf(const PanelView& v, std::int64_t panel, std::int64_t first, std::int64_t count, float* out) {
  for (std::int64_t b = first; b < first + count; ++b) {
    const Planes planes = planesOf<E>(v, sectionOf(v, panel, b / v.sectionBlocks), b % v.sectionBlocks);
    if constexpr (isFloat(E)) {
      for (int k = 0; k < kBlock; ++k, out += kPanel)
        for (int h = 0; h < kParts; ++h) hn::Store(loadFloat<E>(planes, k, h), d, out + h * kLanes);
    } else {
      for (int w = 0; w < 4; ++w)
        for (int h = 0; h < kParts; ++h) {
          float* to = out + 8 * w * kPanel + h * kLanes;
          const VI front = codes<E, 0>(planes, w, h), back = codes<E, 1>(planes, w, h);
          hn::Store(codeToFloat<0>(front), d, to);
          hn::Store(codeToFloat<1>(front), d, to + kPanel);
          hn::Store(codeToFloat<2>(front), d, to + 2 * kPanel);
          hn::Store(codeToFloat<3>(front), d, to + 3 * kPanel);
          hn::Store(codeToFloat<0>(back), d, to + 4 * kPanel);
          hn::Store(codeToFloat<1>(back), d, to + 5 * kPanel);
          hn::Store(codeToFloat<2>(back), d, to + 6 * kPanel);
          hn::Store(codeToFloat<3>(back), d, to + 7 * kPanel);
        }
      out += kBlock * kPanel;
    }
  }
}

/// One block's sums into the results in memory. No scales: floats.
template <int T>
HWY_INLINE void addToMemory(const V (&sums)[T][kParts], const float* scales, const float* offsets, std::int64_t b,
                            const float* xSums, float* y) {
  for (int h = 0; h < kParts; ++h) {
    float* to = y + h * kLanes;
    if (!scales) {
      for (int m = 0; m < T; ++m) hn::Store(hn::Add(hn::Load(d, to + m * kPanel), sums[m][h]), d, to + m * kPanel);
      continue;
    }
    const V scale = hn::Load(d, scales + b * kPanel + h * kLanes);
    if (!offsets) {
      for (int m = 0; m < T; ++m)
        hn::Store(hn::MulAdd(scale, sums[m][h], hn::Load(d, to + m * kPanel)), d, to + m * kPanel);
      continue;
    }
    const V offset = hn::Load(d, offsets + b * kPanel + h * kLanes);
    for (int m = 0; m < T; ++m) {
      const V scaled = hn::MulAdd(scale, sums[m][h], hn::Load(d, to + m * kPanel));
      hn::Store(hn::MulAdd(offset, hn::Set(d, xSums[b * T + m]), scaled), d, to + m * kPanel);
    }
  }
}

/// Q blocks at once, so that few rows have enough independent sums to hide the latency of the multiply-add.
template <int T, int Q>
HWY_INLINE void subBlocks(const float* slab, const float* scales, const float* offsets, std::int64_t b, const float* x,
                          const float* xSums, float* y) {
  V sums[Q][T][kParts];
  clear(sums);
  slab += b * kBlock * kPanel, x += b * kBlock * T;
#pragma GCC unroll 4
  for (int k = 0; k < kBlock; ++k)
    for (int q = 0; q < Q; ++q) {
      V w[kParts];
      for (int h = 0; h < kParts; ++h) w[h] = hn::Load(d, slab + (q * kBlock + k) * kPanel + h * kLanes);
      for (int m = 0; m < T; ++m) {
        const V xm = hn::Set(d, x[(q * kBlock + k) * T + m]);
        for (int h = 0; h < kParts; ++h) sums[q][m][h] = hn::MulAdd(w[h], xm, sums[q][m][h]);
      }
    }
  for (int q = 0; q < Q; ++q) addToMemory<T>(sums[q], scales, offsets, b + q, xSums, y);
}

/// One tile against `count` unpacked blocks; y lives in memory between blocks.
template <int T>
HWY_NOINLINE void tileTimesSlab(const float* slab, const float* scales, const float* offsets, std::int64_t count,
                                const float* x, const float* xSums, float* y) {
  constexpr int Q = T * kParts >= 8 ? 1 : T * kParts >= 4 ? 2 : 4;
  std::int64_t b = 0;
  for (; b + Q <= count; b += Q) subBlocks<T, Q>(slab, scales, offsets, b, x, xSums, y);
  if constexpr (Q > 1)
    for (; b < count; ++b) subBlocks<T, 1>(slab, scales, offsets, b, x, xSums, y);
}

using TileTimesSlab = void (*)(const float*, const float*, const float*, std::int64_t, const float*, const float*,
                               float*);
template <int... t>
HWY_INLINE TileTimesSlab pickTile(int rows, std::integer_sequence<int, t...>) {
  static constexpr TileTimesSlab all[] = {tileTimesSlab<t + 1>...};
  return all[rows - 1];
}

/// Scales (with 2^-24) and offsets of the blocks of a slab.
HWY_NOINLINE void slabScales(const PanelView& v, std::int64_t panel, std::int64_t first, std::int64_t count,
                             float* scales, float* offsets) {
  for (std::int64_t b = 0; b < count; ++b) {
    const Section section = sectionOf(v, panel, (first + b) / v.sectionBlocks);
    const std::int64_t group = (first + b) % v.sectionBlocks * kBlock / v.group;
    for (int h = 0; h < kParts; ++h) {
      const V scale = scaleOf(v, section, group, h);
      hn::Store(hn::Mul(scale, hn::Set(d, kCodeScale)), d, scales + b * kPanel + h * kLanes);
      hn::Store(offsetOf(v, section, group, h, scale), d, offsets + b * kPanel + h * kLanes);
    }
  }
}

template <Element E>
void unpackPanelOf(const PanelView& v, std::int64_t panel, std::int64_t first, std::int64_t count, float* out) {
  slabOf<E>(v, panel, first, count, out);
  if constexpr (!isFloat(E)) {
    const int sub = v.group == 16 ? 16 : kBlock;
    for (std::int64_t s = 0; s < count * (kBlock / sub); ++s) {
      const std::int64_t k = first * kBlock + s * sub, width = v.sectionBlocks * kBlock, group = k % width / v.group;
      const Section section = sectionOf(v, panel, k / width);
      for (int h = 0; h < kParts; ++h) {
        const V scale = scaleOf(v, section, group, h), offset = offsetOf(v, section, group, h, scale);
        const V scaled = hn::Mul(scale, hn::Set(d, kCodeScale));
        for (int i = 0; i < sub; ++i) {
          float* p = out + (s * sub + i) * kPanel + h * kLanes;
          hn::Store(hn::MulAdd(scaled, hn::Load(d, p), offset), d, p);
        }
      }
    }
  }
}

template <Element E>
void manyPanels(const PanelView& v, Range panels, const FloatTiles& tiles, Rows out, const ProductScratch& scratch) {
  // Codes whose few rows go by digits have other bits than those here, whatever is done. So they are scaled once, not for every row.
  constexpr bool codes = !isFloat(E) && !kExactByDigits<E>;
  const std::int64_t all = v.padded / kBlock, tileTotal = pieces(tiles);
  const bool adds = codes && v.offsetKind != OffsetKind::None;
  for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
    for (std::int64_t i = 0; i < tiles.count * kPanel; i += kLanes) hn::Store(hn::Zero(d), d, scratch.sums + i);
    for (std::int64_t first = 0; first < all; first += kSlabBlocks) {
      const std::int64_t count = all - first < kSlabBlocks ? all - first : kSlabBlocks;
      const float* slab = scratch.slab;
      if constexpr (E == Element::F32)
        slab = reinterpret_cast<const float*>(sectionOf(v, panel, 0).codes) + first * kBlock * kPanel;
      else if constexpr (kExactByDigits<E>)
        unpackPanelOf<E>(v, panel, first, count, scratch.slab);
      else
        slabOf<E>(v, panel, first, count, scratch.slab);
      if constexpr (codes) slabScales(v, panel, first, count, scratch.scales, scratch.offsets);
      for (std::int64_t t = 0; t < tileTotal; ++t) {
        const std::int64_t row = t * tiles.tile, at = blockAt(tiles.count, row, first, count);
        const int rows = static_cast<int>(tiles.count - row < tiles.tile ? tiles.count - row : tiles.tile);
        pickTile(rows, std::make_integer_sequence<int, kTile>())(
            slab, codes ? scratch.scales : nullptr, adds ? scratch.offsets : nullptr, count, tiles.x + at * kBlock,
            adds ? tiles.sums + at : nullptr, scratch.sums + row * kPanel);
      }
    }
    for (std::int64_t m = 0; m < tiles.count; ++m) {
      V y[kParts];
      for (int h = 0; h < kParts; ++h) y[h] = hn::Load(d, scratch.sums + m * kPanel + h * kLanes);
      storePanel(y, out.row(m) + panel * kPanel, v.rows - panel * kPanel);
    }
  }
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
