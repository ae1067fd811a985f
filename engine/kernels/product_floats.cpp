// SPDX-License-Identifier: GPL-3.0-or-later
// Products of float weights, and of signed codes, with float32 activations; and unpacking of every format.
#include "engine/kernels/isa.h"
#include "engine/kernels/tables.h"
#include "engine/kernels/targets.h"
#undef HWY_WANT_AVX3_DL  // adds nothing to float arithmetic

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/product_floats.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "engine/kernels/panel-inl.h"  // after Highway, once an instruction set

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
const FloatsTable* floatsTableOf() {
  return &plainFloatsTable();
}
#else
namespace {

// Codes become floats times 2^24: the byte is moved to the top of its word, which keeps its sign. Undone in the scale.
constexpr float kCodeScale = 0x1p-24f;
// AVX2: 6 x 2 sums, 2 weights and 1 activation fill 15 of 16 registers. AVX-512 has 32: 12 sums, and as many results where
// they are kept beside them.
constexpr int kTile = HWY_TARGET == HWY_AVX3 ? 12 : 6;

/// Floats are asked for a page ahead and into the first-level cache, as further was slower; with AVX-512 as codes are, which was faster.
HWY_INLINE void askForFloats(const std::byte* line) {
  if constexpr (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL) askFor(line);
  else __builtin_prefetch(line + 4096);
}

template <int j>
HWY_INLINE V codeToFloat(VI bytes) {
  VI top;
  if constexpr (j == 0) {
    top = hn::ShiftLeft<24>(bytes);
  } else if constexpr (j == 3) {
    top = hn::And(bytes, hn::Set(di, static_cast<std::int32_t>(0xFF000000u)));
  } else {
    const DU8 du8;
    constexpr std::uint8_t z = 0x80;
    alignas(16) static constexpr std::uint8_t to[16] = {z, z, z, j, z, z, z, 4 + j, z, z, z, 8 + j, z, z, z, 12 + j};
    top = hn::BitCast(di, hn::TableLookupBytesOr0(hn::BitCast(du8, bytes), hn::LoadDup128(du8, to)));
  }
  return hn::ConvertTo(d, top);
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

template <int T, int Q>
HWY_INLINE void clear(V (&sums)[Q][T][kParts]) {
  for (int q = 0; q < Q; ++q)
    for (int m = 0; m < T; ++m)
      for (int h = 0; h < kParts; ++h) sums[q][m][h] = hn::Zero(d);
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
  if constexpr (isFloat(E) || kSigned<E>) few<E>(v, panels, tiles, out, std::make_integer_sequence<int, kTile>());
}

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
void manyPanels(const PanelView& v, Range panels, const FloatTiles& tiles, Rows out, const ProductScratch& scratch) {
  if constexpr (!isFloat(E) && !kSigned<E>) return;
  const std::int64_t all = v.padded / kBlock, tileTotal = pieces(tiles);
  const bool adds = v.offsetKind != OffsetKind::None;
  for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
    for (std::int64_t i = 0; i < tiles.count * kPanel; i += kLanes) hn::Store(hn::Zero(d), d, scratch.sums + i);
    for (std::int64_t first = 0; first < all; first += kSlabBlocks) {
      const std::int64_t count = all - first < kSlabBlocks ? all - first : kSlabBlocks;
      const float* slab = scratch.slab;
      if constexpr (E == Element::F32)
        slab = reinterpret_cast<const float*>(sectionOf(v, panel, 0).codes) + first * kBlock * kPanel;
      else
        slabOf<E>(v, panel, first, count, scratch.slab);
      if constexpr (!isFloat(E)) slabScales(v, panel, first, count, scratch.scales, scratch.offsets);
      for (std::int64_t t = 0; t < tileTotal; ++t) {
        const std::int64_t row = t * tiles.tile, at = blockAt(tiles.count, row, first, count);
        const int rows = static_cast<int>(tiles.count - row < tiles.tile ? tiles.count - row : tiles.tile);
        pickTile(rows, std::make_integer_sequence<int, kTile>())(
            slab, isFloat(E) ? nullptr : scratch.scales, adds ? scratch.offsets : nullptr, count, tiles.x + at * kBlock,
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

/// Four values of each of four rows, to where the first value of the first goes among T rows side by side.
HWY_INLINE void layFour(const float* const (&rows)[4], float* x, std::int64_t T) {
  const hn::CappedTag<float, 4> d4;
  const hn::Repartition<double, decltype(d4)> pairs;
  const auto two = [&](auto a, auto b, float* to) HWY_ATTR {
    hn::StoreU(hn::BitCast(d4, hn::InterleaveLower(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b))), d4, to);
    hn::StoreU(hn::BitCast(d4, hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b))), d4, to + T);
  };
  const auto a = hn::LoadU(d4, rows[0]), b = hn::LoadU(d4, rows[1]), c = hn::LoadU(d4, rows[2]), e = hn::LoadU(d4, rows[3]);
  two(hn::InterleaveLower(d4, a, b), hn::InterleaveLower(d4, c, e), x);
  two(hn::InterleaveUpper(d4, a, b), hn::InterleaveUpper(d4, c, e), x + 2 * T);
}

/// Lays the rows of a tile as [k][T], zeros beyond the width, and sums their blocks. The sum of a block is the same
/// whatever T.
void fillTile(const FloatTiles& tiles, ConstRows in, std::int64_t tile) {
  const std::int64_t row0 = tile * tiles.tile, all = tiles.padded / kBlock;
  const std::int64_t T = in.count - row0 < tiles.tile ? in.count - row0 : tiles.tile;
  HWY_ALIGN float rest[kTile][kBlock];
  const float* rows[kTile];
  for (std::int64_t first = 0; first < all; first += kSlabBlocks) {
    const std::int64_t count = all - first < kSlabBlocks ? all - first : kSlabBlocks,
                       at = blockAt(in.count, row0, first, count);
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int64_t k0 = (first + b) * kBlock;
      for (std::int64_t m = 0; m < T; ++m) {
        rows[m] = in.row(row0 + m) + k0;
        if (k0 + kBlock <= in.width) continue;
        for (std::int64_t k = 0; k < kBlock; ++k) rest[m][k] = k0 + k < in.width ? rows[m][k] : 0.0f;
        rows[m] = rest[m];
      }
      if (tiles.x != in.data) {
        float* x = const_cast<float*>(tiles.x) + (at + b * T) * kBlock;
        std::int64_t m = 0;
        for (; m + 4 <= T; m += 4)
          for (std::int64_t k = 0; k < kBlock; k += 4) layFour({rows[m] + k, rows[m + 1] + k, rows[m + 2] + k, rows[m + 3] + k}, x + k * T + m, T);
        for (; m < T; ++m)
          for (std::int64_t k = 0; k < kBlock; ++k) x[k * T + m] = rows[m][k];
      }
      for (std::int64_t m = 0; m < T && tiles.sums; ++m) {
        V sum = hn::LoadU(d, rows[m]);
        for (int l = kLanes; l < kBlock; l += kLanes) sum = hn::Add(sum, hn::LoadU(d, rows[m] + l));
        const_cast<float*>(tiles.sums)[at + b * T + m] = hn::GetLane(hn::SumOfLanes(d, sum));
      }
    }
  }
}

template <int... e>
FloatsTable makeTable(std::integer_sequence<int, e...>) {
  return {kTile,
          {fewPanels<static_cast<Element>(e)>...},
          {manyPanels<static_cast<Element>(e)>...},
          {unpackPanelOf<static_cast<Element>(e)>...},
          fillTile};
}

}  // namespace

const FloatsTable* floatsTableOf() {
  static const FloatsTable table = makeTable(std::make_integer_sequence<int, kElements>());
  return &table;
}
#endif
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::kernels {
TS_CHOSEN_TABLE(FloatsTable, floatsTable, floatsTableOf)
}  // namespace ts::kernels
#endif
