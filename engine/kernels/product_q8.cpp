// SPDX-License-Identifier: GPL-3.0-or-later
// Products with int8 activations in blocks of 32 along K: exact integer sums within a block, float32 between blocks.
#include "engine/kernels/isa.h"
#include "engine/kernels/tables.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/product_q8.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "engine/kernels/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
const Q8Table* q8TableOf() { return &plainQ8Table(); }
#else
namespace {

// AVX2's vpmaddubsw multiplies unsigned by signed bytes and adds pairs in 16 bits, saturating. So that nothing saturates:
//   codes of up to 4, 5, 6 bits: 8, 4, 2 pair sums fit in 16 bits before they are widened (15, 31, 63 times 127 times 2 each);
//   signed bytes: |w| times x with w's sign, widened at once (128 * 127 * 2 = 32512 fits); with many rows, where unpacking is
//   paid once, weights and activations as 16-bit words instead: the same multiplications, no signs to move.
// VNNI adds four products into 32 bits: unsigned codes as they are, signed ones with 128 added and 128 * sum(x) taken off.
#define TS_VNNI (HWY_TARGET == HWY_AVX3_DL)
#define TS_MADDUBS (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3)

constexpr int kTile = HWY_TARGET == HWY_AVX2 ? 4 : 8;

constexpr int pairSums(Element e) { return e == Element::U5 ? 4 : e == Element::U6 ? 2 : 8; }

#if TS_VNNI
// By name: Highway 1.0 checks for AVX-512 VNNI at run time but does not enable its intrinsics.
HWY_INLINE void addDotFour(VI& sum, VI unsignedBytes, VI signedBytes) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(unsignedBytes.raw), "v"(signedBytes.raw));
}
#endif

#if TS_MADDUBS
// Keeps an addition where it is written. GCC would gather a loop's additions at its end, the products spilled until then.
HWY_INLINE void pin(VI& v) { asm("" : "+v"(v.raw)); }
#if HWY_TARGET == HWY_AVX2
HWY_INLINE VI maddubs(VI a, VI b) { return VI{_mm256_maddubs_epi16(a.raw, b.raw)}; }
HWY_INLINE VI add16(VI a, VI b) { return VI{_mm256_add_epi16(a.raw, b.raw)}; }
HWY_INLINE VI widen(VI a) { return VI{_mm256_madd_epi16(a.raw, _mm256_set1_epi16(1))}; }
HWY_INLINE VI magnitude(VI w) { return VI{_mm256_abs_epi8(w.raw)}; }
HWY_INLINE VI withSign(VI x, VI w) { return VI{_mm256_sign_epi8(x.raw, w.raw)}; }
#else
HWY_INLINE VI maddubs(VI a, VI b) { return VI{_mm512_maddubs_epi16(a.raw, b.raw)}; }
HWY_INLINE VI add16(VI a, VI b) { return VI{_mm512_add_epi16(a.raw, b.raw)}; }
HWY_INLINE VI widen(VI a) { return VI{_mm512_madd_epi16(a.raw, _mm512_set1_epi16(1))}; }
HWY_INLINE VI magnitude(VI w) { return VI{_mm512_abs_epi8(w.raw)}; }
HWY_INLINE VI withSign(VI x, VI w) {
  return VI{_mm512_mask_sub_epi8(x.raw, _mm512_movepi8_mask(w.raw), _mm512_setzero_si512(), x.raw)};
}
#endif
#else
/// Bytes j of two words, multiplied as signed.
template <int j>
HWY_INLINE VI byteProduct(VI w, VI x) {
  return hn::Mul(hn::ShiftRight<24>(shift<8 * (3 - j)>(w)), hn::ShiftRight<24>(shift<8 * (3 - j)>(x)));
}
#endif

HWY_INLINE VI activation(const std::int8_t* x, int group) {
  std::int32_t word;
  __builtin_memcpy(&word, x + 4 * group, 4);
  return hn::Set(di, word);
}

/// The integer sums of `count` groups of 4 k (a multiple of 2): load(g, h) gives their codes, x their activations [g][T][4].
/// `widenAfter` pair sums fit in 16 bits; signed codes otherwise.
template <bool isSigned, int widenAfter, int count, int T, class Load>
HWY_INLINE void dotGroups(Load load, const std::int8_t* x, VI (&sums)[T][kParts]) {
  for (int m = 0; m < T; ++m)
    for (int h = 0; h < kParts; ++h) sums[m][h] = hn::Zero(di);
#if TS_VNNI
  for (int g = 0; g < count; ++g) {
    VI w = load(g, 0);
    if constexpr (isSigned) w = hn::Xor(w, hn::Set(di, static_cast<std::int32_t>(0x80808080u)));
    for (int m = 0; m < T; ++m) addDotFour(sums[m][0], w, activation(x, g * T + m));
  }
#elif TS_MADDUBS
  if constexpr (isSigned) {
#pragma GCC unroll 2
    for (int g = 0; g < count; ++g) {
      VI w[kParts], size[kParts];
      for (int h = 0; h < kParts; ++h) w[h] = load(g, h), size[h] = magnitude(w[h]);
      for (int m = 0; m < T; ++m) {
        const VI xm = activation(x, g * T + m);
        for (int h = 0; h < kParts; ++h) sums[m][h] = hn::Add(sums[m][h], widen(maddubs(size[h], withSign(xm, w[h])))), pin(sums[m][h]);
      }
    }
  } else {
    constexpr int run = widenAfter < count ? widenAfter : count;
    for (int first = 0; first < count; first += run) {
      VI pairs[T][kParts];
#pragma GCC unroll 8
      for (int g = 0; g < run; ++g) {
        VI w[kParts];
        for (int h = 0; h < kParts; ++h) w[h] = load(first + g, h);
        for (int m = 0; m < T; ++m) {
          const VI xm = activation(x, (first + g) * T + m);
          for (int h = 0; h < kParts; ++h) {
            const VI p = maddubs(w[h], xm);
            pairs[m][h] = g == 0 ? p : add16(pairs[m][h], p);
            pin(pairs[m][h]);
          }
        }
      }
      for (int m = 0; m < T; ++m)
        for (int h = 0; h < kParts; ++h) sums[m][h] = run == count ? widen(pairs[m][h]) : hn::Add(sums[m][h], widen(pairs[m][h]));
    }
  }
#else
  for (int g = 0; g < count; ++g)
    for (int m = 0; m < T; ++m) {
      const VI xm = activation(x, g * T + m);
      for (int h = 0; h < kParts; ++h) {
        const VI w = load(g, h);
        sums[m][h] = hn::Add(sums[m][h], hn::Add(hn::Add(byteProduct<0>(w, xm), byteProduct<1>(w, xm)), hn::Add(byteProduct<2>(w, xm), byteProduct<3>(w, xm))));
      }
    }
#endif
}

#if TS_MADDUBS
#if HWY_TARGET == HWY_AVX2
HWY_INLINE VI maddWords(VI a, VI b) { return VI{_mm256_madd_epi16(a.raw, b.raw)}; }
#else
HWY_INLINE VI maddWords(VI a, VI b) { return VI{_mm512_madd_epi16(a.raw, b.raw)}; }
#endif
/// The integer sums of `count` groups of 4 k; slab is [group][2][16] and x [group][2][T] pairs of words.
template <int count, int T>
HWY_INLINE void dotWords(const std::int32_t* slab, const std::int16_t* x, VI (&sums)[T][kParts]) {
  for (int m = 0; m < T; ++m)
    for (int h = 0; h < kParts; ++h) sums[m][h] = hn::Zero(di);
#pragma GCC unroll 2
  for (int g = 0; g < 2 * count; ++g) {
    VI w[kParts];
    for (int h = 0; h < kParts; ++h) w[h] = hn::Load(di, slab + g * kPanel + h * kLanes);
    for (int m = 0; m < T; ++m) {
      const VI xm = activation(reinterpret_cast<const std::int8_t*>(x), g * T + m);
      for (int h = 0; h < kParts; ++h) sums[m][h] = hn::Add(sums[m][h], maddWords(w[h], xm)), pin(sums[m][h]);
    }
  }
}
#endif

/// Integer sums of one sub-block into the results.
template <bool isSigned, int T>
HWY_INLINE void addScaled(const VI (&sums)[T][kParts], const V (&scale)[kParts], const V (&offset)[kParts], bool adds, const float* xScales,
                          const float* xSums, const std::int32_t* xCodeSums, V (&y)[T][kParts]) {
  for (int m = 0; m < T; ++m) {
    const V xScale = hn::Set(d, xScales[m]);
#if TS_VNNI
    const VI correction = hn::Set(di, isSigned ? xCodeSums[m] * 128 : 0);
#else
    (void)xCodeSums;
#endif
    for (int h = 0; h < kParts; ++h) {
#if TS_VNNI
      const VI s = isSigned ? hn::Sub(sums[m][h], correction) : sums[m][h];
#else
      const VI s = sums[m][h];
#endif
      y[m][h] = hn::MulAdd(scale[h], hn::Mul(hn::ConvertTo(d, s), xScale), y[m][h]);
      if (adds) y[m][h] = hn::MulAdd(offset[h], hn::Set(d, xSums[m]), y[m][h]);
    }
  }
}

/// All of one panel for one tile of T rows, straight from its codes.
template <Element E, int T, int sub>
HWY_INLINE void direct(const PanelView& v, std::int64_t panel, const TilesQ8& tiles, Rows out) {
  const Planes planes = planesOf(v, panel);
  const bool adds = v.offsetKind != OffsetKind::None;
  V y[T][kParts];
  for (int m = 0; m < T; ++m)
    for (int h = 0; h < kParts; ++h) y[m][h] = hn::Zero(d);
  for (std::int64_t block = 0; block < v.padded / kBlock; ++block)
    for (int part = 0; part < kBlock / sub; ++part) {
      const int first = part * 4;
      VI sums[T][kParts];
      const auto load = [&](int g, int h) HWY_ATTR {
        const int i = first + g;
        return i % 2 == 0 ? codes<E, 0>(planes, block, i / 2, h) : codes<E, 1>(planes, block, i / 2, h);
      };
      dotGroups<kSigned<E>, pairSums(E), sub / 4>(load, tiles.x + (block * 8 + first) * T * 4, sums);
      const std::int64_t s = block * (kBlock / sub) + part, group = s * sub / v.group;
      V scale[kParts], offset[kParts];
      for (int h = 0; h < kParts; ++h) {
        scale[h] = scaleOf(v, panel, group, h);
        offset[h] = adds ? offsetOf(v, panel, group, h, scale[h]) : scale[h];
      }
      addScaled<kSigned<E>, T>(sums, scale, offset, adds, tiles.scales + block * T, (sub == 16 ? tiles.sums16 : tiles.sums32) + s * T,
                               tiles.codeSums + block * T, y);
    }
  for (int m = 0; m < T; ++m) storePanel(y[m], out.row(m) + panel * kPanel, v.rows - panel * kPanel);
}

constexpr bool mayHave16(Element e) { return e == Element::U2 || e == Element::U3 || e == Element::U6; }

template <Element E, int T>
void directPanels(const PanelView& v, Range panels, const TilesQ8& tiles, Rows out) {
  if constexpr (!isFloat(E)) {
    for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
      if constexpr (mayHave16(E)) {
        if (v.group == 16) {
          direct<E, T, 16>(v, panel, tiles, out);
          continue;
        }
      }
      direct<E, T, 32>(v, panel, tiles, out);
    }
  }
}

/// Codes of `count` blocks as bytes, [8 * count][16][4].
template <Element E>
HWY_NOINLINE void slabOf(const Planes& planes, std::int64_t first, std::int64_t count, std::int32_t* out) {
  for (std::int64_t b = first; b < first + count; ++b)
    for (int w = 0; w < 4; ++w, out += 2 * kPanel)
      for (int h = 0; h < kParts; ++h) {
        hn::Store(codes<E, 0>(planes, b, w, h), di, out + h * kLanes);
        hn::Store(codes<E, 1>(planes, b, w, h), di, out + kPanel + h * kLanes);
      }
}

/// The same as pairs of words: k 0, 2 and k 1, 3 of each four, [16 * count][16].
template <Element E>
HWY_NOINLINE void wordSlabOf(const Planes& planes, std::int64_t first, std::int64_t count, std::int32_t* out) {
  const hn::Repartition<std::int16_t, DI> dw;
  const auto put = [&](VI bytes, std::int32_t* to) HWY_ATTR {
    const auto odd = hn::BitCast(dw, bytes);
    hn::Store(hn::BitCast(di, hn::ShiftRight<8>(hn::ShiftLeft<8>(odd))), di, to);
    hn::Store(hn::BitCast(di, hn::ShiftRight<8>(odd)), di, to + kPanel);
  };
  for (std::int64_t b = first; b < first + count; ++b)
    for (int w = 0; w < 4; ++w, out += 4 * kPanel)
      for (int h = 0; h < kParts; ++h) {
        put(codes<E, 0>(planes, b, w, h), out + h * kLanes);
        put(codes<E, 1>(planes, b, w, h), out + 2 * kPanel + h * kLanes);
      }
}

struct SlabStep {
  const std::int32_t* slab;
  const float* scales;
  const float* offsets;  ///< null: none
  std::int64_t count;    ///< sub-blocks
  const std::int8_t* x;
  const std::int16_t* words;  ///< instead of x for signed codes without VNNI
  const float* xScales;
  const float* xSums;
  const std::int32_t* xCodeSums;
  float* y;
};

template <int T, bool isSigned, int widenAfter, int sub>
HWY_NOINLINE void tileTimesSlab(const SlabStep& step) {
  V y[T][kParts];
  for (int m = 0; m < T; ++m)
    for (int h = 0; h < kParts; ++h) y[m][h] = hn::Load(d, step.y + m * kPanel + h * kLanes);
  for (std::int64_t b = 0; b < step.count; ++b) {
    VI sums[T][kParts];
#if TS_MADDUBS
    if constexpr (isSigned) dotWords<sub / 4, T>(step.slab + b * (sub / 2) * kPanel, step.words + b * sub * T, sums);
    else
#endif
    dotGroups<isSigned, widenAfter, sub / 4>([&](int g, int h) HWY_ATTR { return hn::Load(di, step.slab + (b * (sub / 4) + g) * kPanel + h * kLanes); },
                                             step.x + b * sub * T, sums);
    V scale[kParts], offset[kParts];
    for (int h = 0; h < kParts; ++h) {
      scale[h] = hn::Load(d, step.scales + b * kPanel + h * kLanes);
      offset[h] = step.offsets ? hn::Load(d, step.offsets + b * kPanel + h * kLanes) : scale[h];
    }
    const std::int64_t block = b * sub / kBlock;
    addScaled<isSigned, T>(sums, scale, offset, step.offsets != nullptr, step.xScales + block * T, step.xSums + b * T,
                           step.xCodeSums + block * T, y);
  }
  for (int m = 0; m < T; ++m)
    for (int h = 0; h < kParts; ++h) hn::Store(y[m][h], d, step.y + m * kPanel + h * kLanes);
}

using TileTimesSlab = void (*)(const SlabStep&);
template <bool isSigned, int widenAfter, int sub, int... t>
constexpr TileTimesSlab pick(int rows, std::integer_sequence<int, t...>) {
  constexpr TileTimesSlab all[] = {tileTimesSlab<t + 1, isSigned, widenAfter, sub>...};
  return all[rows - 1];
}

HWY_NOINLINE void slabScales(const PanelView& v, std::int64_t panel, std::int64_t first, std::int64_t count, int sub, float* scales,
                             float* offsets) {
  for (std::int64_t s = 0; s < count * (kBlock / sub); ++s)
    for (int h = 0; h < kParts; ++h) {
      const std::int64_t group = (first * kBlock + s * sub) / v.group;
      const V scale = scaleOf(v, panel, group, h);
      hn::Store(scale, d, scales + s * kPanel + h * kLanes);
      hn::Store(offsetOf(v, panel, group, h, scale), d, offsets + s * kPanel + h * kLanes);
    }
}

template <Element E, int sub>
void manyPanelsOf(const PanelView& v, Range panels, const TilesQ8& tiles, Rows out, const ProductScratch& scratch) {
  const std::int64_t all = v.padded / kBlock, tileTotal = tileCount(tiles.count, tiles.tile);
  const bool adds = v.offsetKind != OffsetKind::None;
  const float* xSums = sub == 16 ? tiles.sums16 : tiles.sums32;
  auto* slab = reinterpret_cast<std::int32_t*>(scratch.slab);
  for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const Planes planes = planesOf(v, panel);
    for (std::int64_t i = 0; i < tiles.count * kPanel; i += kLanes) hn::Store(hn::Zero(d), d, scratch.sums + i);
    for (std::int64_t first = 0; first < all; first += kSlabBlocks) {
      const std::int64_t count = all - first < kSlabBlocks ? all - first : kSlabBlocks;
      if constexpr (TS_MADDUBS && kSigned<E>) wordSlabOf<E>(planes, first, count, slab);
      else slabOf<E>(planes, first, count, slab);
      slabScales(v, panel, first, count, sub, scratch.scales, scratch.offsets);
      for (std::int64_t t = 0; t < tileTotal; ++t) {
        const std::int64_t row = t * tiles.tile;
        const int rows = static_cast<int>(tiles.count - row < tiles.tile ? tiles.count - row : tiles.tile);
        const std::int64_t at = blockAt(tiles.count, row, first, count);
        pick<kSigned<E>, pairSums(E), sub>(rows, std::make_integer_sequence<int, kTile>())(
            {slab, scratch.scales, adds ? scratch.offsets : nullptr, count * (kBlock / sub), tiles.x + at * kBlock, tiles.words + at * kBlock, tiles.scales + at,
             adds ? xSums + at * (kBlock / sub) : tiles.scales, tiles.codeSums + at, scratch.sums + row * kPanel});
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
void manyPanels(const PanelView& v, Range panels, const TilesQ8& tiles, Rows out, const ProductScratch& scratch) {
  if constexpr (!isFloat(E)) {
    if constexpr (mayHave16(E)) {
      if (v.group == 16) return manyPanelsOf<E, 16>(v, panels, tiles, out, scratch);
    }
    manyPanelsOf<E, 32>(v, panels, tiles, out, scratch);
  }
}

/// 32 floats to int8 codes; returns the scale, adds the codes of each half to `sums`.
HWY_INLINE float quantizeBlock(const float* row, std::int8_t* codes, std::int32_t (&sums)[2]) {
  constexpr int vectors = kBlock / kLanes;
  const hn::Rebind<std::int8_t, D> d8;
  V largest = hn::Zero(d);
  for (int i = 0; i < vectors; ++i) largest = hn::Max(largest, hn::Abs(hn::LoadU(d, row + i * kLanes)));
  const float top = hn::GetLane(hn::MaxOfLanes(d, largest));
  const V inverse = hn::Set(d, top > 0 ? 127.0f / top : 0.0f);
  VI halves[2] = {hn::Zero(di), hn::Zero(di)};
  for (int i = 0; i < vectors; ++i) {
    const VI code = hn::NearestInt(hn::Mul(hn::LoadU(d, row + i * kLanes), inverse));
    halves[i * kLanes / 16] = hn::Add(halves[i * kLanes / 16], code);
    hn::Store(hn::DemoteTo(d8, code), d8, codes + i * kLanes);
  }
  for (int i = 0; i < 2; ++i) sums[i] = hn::GetLane(hn::SumOfLanes(di, halves[i]));
  return top / 127.0f;
}

/// Quantizes the rows of a tile into [k / 4][T][4].
void fillTile(const TilesQ8& tiles, ConstRows in, std::int64_t tile) {
  const std::int64_t row0 = tile * tiles.tile, all = tiles.padded / kBlock;
  const std::int64_t T = in.count - row0 < tiles.tile ? in.count - row0 : tiles.tile;
  HWY_ALIGN float rest[kBlock];
  HWY_ALIGN std::int8_t codes[kBlock];
  for (std::int64_t first = 0; first < all; first += kSlabBlocks) {
    const std::int64_t count = all - first < kSlabBlocks ? all - first : kSlabBlocks, at = blockAt(in.count, row0, first, count);
    for (std::int64_t m = 0; m < T; ++m)
      for (std::int64_t b = 0; b < count; ++b) {
        const std::int64_t k0 = (first + b) * kBlock, block = at + b * T;
        const float* row = in.row(row0 + m) + k0;
        if (k0 + kBlock > in.width) {
          for (std::int64_t k = 0; k < kBlock; ++k) rest[k] = k0 + k < in.width ? row[k] : 0.0f;
          row = rest;
        }
        std::int32_t sums[2];
        const float scale = quantizeBlock(row, codes, sums);
        std::int8_t* x = const_cast<std::int8_t*>(tiles.x) + block * kBlock;
        for (int g = 0; g < 8; ++g) __builtin_memcpy(x + (g * T + m) * 4, codes + 4 * g, 4);
        if (tiles.words) {
          std::int16_t* words = const_cast<std::int16_t*>(tiles.words) + block * kBlock;
          for (int g = 0; g < 8; ++g)
            for (int odd = 0; odd < 2; ++odd) {
              std::int16_t* pair = words + ((2 * g + odd) * T + m) * 2;
              pair[0] = codes[4 * g + odd], pair[1] = codes[4 * g + odd + 2];
            }
        }
        const_cast<float*>(tiles.scales)[block + m] = scale;
        const_cast<std::int32_t*>(tiles.codeSums)[block + m] = sums[0] + sums[1];
        if (tiles.sums16)
          for (int i = 0; i < 2; ++i) const_cast<float*>(tiles.sums16)[2 * block + i * T + m] = scale * static_cast<float>(sums[i]);
        if (tiles.sums32) const_cast<float*>(tiles.sums32)[block + m] = scale * static_cast<float>(sums[0] + sums[1]);
      }
  }
}

template <int... e>
Q8Table makeTable(std::integer_sequence<int, e...>) {
  return {kTile,
          TS_MADDUBS,
          {{directPanels<static_cast<Element>(e), 1>, directPanels<static_cast<Element>(e), 2>, directPanels<static_cast<Element>(e), 3>,
            directPanels<static_cast<Element>(e), 4>}...},
          {manyPanels<static_cast<Element>(e)>...},
          fillTile};
}

}  // namespace

const Q8Table* q8TableOf() {
  static const Q8Table table = makeTable(std::make_integer_sequence<int, kElements>());
  return &table;
}
#endif
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::kernels {
HWY_EXPORT(q8TableOf);
const Q8Table& q8Table() {
  static const bool chosen = (chooseIsa(), true);
  (void)chosen;
  return *HWY_DYNAMIC_DISPATCH(q8TableOf)();
}
}  // namespace ts::kernels
#endif
