// SPDX-License-Identifier: GPL-3.0-or-later
// Products of integer codes with activations in one or three signed bytes: exact integer sums within a block, float32
// between.
#include "engine/kernels/isa.h"
#include "engine/kernels/tables.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/product_digits.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "engine/kernels/panel-inl.h"  // after Highway, once an instruction set

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
const DigitsTable* digitsTableOf() {
  return &plainDigitsTable();
}
#else
const DigitsTable* digitsTableOf();
namespace {

// A block's codes for one part of a panel fill eight registers and stay there while every row of a tile passes: per row
// eight activations are broadcast from memory, multiplied and added. So one kernel serves one row and many.
//
// AVX2's vpmaddubsw multiplies unsigned by signed bytes and adds pairs in 16 bits, saturating. So that nothing
// saturates:
//   codes of up to 4, 5, 6 bits: 8, 4, 2 pair sums fit in 16 bits before they are widened (15, 31, 63 times 128 times 2
//   each); signed bytes: |w| times x with w's sign, widened at once (128 * 127 * 2 = 32512 fits; so x is kept above
//   -128).
// VNNI adds four products into 32 bits: unsigned codes as they are, signed ones with 128 added and taken off by the bias.
#define TS_VNNI (HWY_TARGET == HWY_AVX3_DL)
#define TS_MADDUBS (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3)

constexpr int kGroups = kBlock / 4;  ///< of four codes that share a 32-bit word

constexpr int kLifted = TS_VNNI ? 128 : 0;
/// Signed bytes go by three digits where that takes no more time than floats do.
template <Element E, int N>
constexpr bool kTaken = !isFloat(E) && (N == 1 || !kSigned<E> || TS_VNNI);

constexpr int pairSums(Element e) {
  return e == Element::U5 ? 4 : e == Element::U6 ? 2 : 8;
}

#if TS_VNNI
// By name: Highway 1.0 checks for AVX-512 VNNI at run time but does not enable its intrinsics.
/// sum += four of `unsignedBytes` times the four signed bytes at x, which every lane shares.
HWY_INLINE void addDotFour(VI& sum, VI unsignedBytes, const std::int8_t* x) {
  struct Word {  // the memory that the instruction reads
    std::int8_t bytes[4];
  };
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum.raw) : "v"(unsignedBytes.raw), "m"(*reinterpret_cast<const Word*>(x)));
}
#endif

#if TS_MADDUBS
#if HWY_TARGET == HWY_AVX2
HWY_INLINE VI maddubs(VI a, VI b) {
  return VI{_mm256_maddubs_epi16(a.raw, b.raw)};
}
HWY_INLINE VI add16(VI a, VI b) {
  return VI{_mm256_add_epi16(a.raw, b.raw)};
}
HWY_INLINE VI widen(VI a) {
  return VI{_mm256_madd_epi16(a.raw, _mm256_set1_epi16(1))};
}
HWY_INLINE VI magnitude(VI w) {
  return VI{_mm256_abs_epi8(w.raw)};
}
HWY_INLINE VI withSign(VI x, VI w) {
  return VI{_mm256_sign_epi8(x.raw, w.raw)};
}
#else
HWY_INLINE VI maddubs(VI a, VI b) {
  return VI{_mm512_maddubs_epi16(a.raw, b.raw)};
}
HWY_INLINE VI add16(VI a, VI b) {
  return VI{_mm512_add_epi16(a.raw, b.raw)};
}
HWY_INLINE VI widen(VI a) {
  return VI{_mm512_madd_epi16(a.raw, _mm512_set1_epi16(1))};
}
HWY_INLINE VI magnitude(VI w) {
  return VI{_mm512_abs_epi8(w.raw)};
}
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

/// One part's codes of a block, as the dot products want them.
template <Element E>
HWY_INLINE void loadCodes(const Planes& planes, std::int64_t block, int part, VI (&w)[kGroups]) {
  const auto two = [&](auto i) HWY_ATTR {
    w[2 * i] = codes<E, 0>(planes, block, i, part);
    w[2 * i + 1] = codes<E, 1>(planes, block, i, part);
  };
  two(std::integral_constant<int, 0>()), two(std::integral_constant<int, 1>());
  two(std::integral_constant<int, 2>()), two(std::integral_constant<int, 3>());
#if TS_VNNI
  if constexpr (kSigned<E>)
    for (VI& v : w) v = hn::Xor(v, hn::Set(di, static_cast<std::int32_t>(0x80808080u)));
#endif
}

/// `sum` and the integer sums of groups [first, first + count) of a block with one row's digits x of the block.
template <Element E, int first, int count>
HWY_INLINE VI dot(const VI (&w)[kGroups], const std::int8_t* x, VI sum) {
#if TS_VNNI
#pragma GCC unroll 8
  for (int g = first; g < first + count; ++g) addDotFour(sum, w[g], x + 4 * g);
  return sum;
#elif TS_MADDUBS
  if constexpr (kSigned<E>) {
#pragma GCC unroll 8
    for (int g = first; g < first + count; ++g)
      sum = hn::Add(sum, widen(maddubs(magnitude(w[g]), withSign(activation(x, g), w[g]))));
    return sum;
  } else {
    constexpr int run = pairSums(E) < count ? pairSums(E) : count;
    VI pairs = hn::Zero(di);
#pragma GCC unroll 8
    for (int g = 0; g < count; ++g) {
      const VI p = maddubs(w[first + g], activation(x, first + g));
      pairs = g % run == 0 ? p : add16(pairs, p);
      if (g % run == run - 1) sum = hn::Add(sum, widen(pairs));
    }
    return sum;
  }
#else
  for (int g = first; g < first + count; ++g) {
    const VI xm = activation(x, g);
    sum = hn::Add(sum, hn::Add(hn::Add(byteProduct<0>(w[g], xm), byteProduct<1>(w[g], xm)),
                               hn::Add(byteProduct<2>(w[g], xm), byteProduct<3>(w[g], xm))));
  }
  return sum;
#endif
}

/// Integers that a row's block has as its bias, one set for each half where groups are of 16.
template <int N>
constexpr int kBiases = N == 1 ? 1 : 2;

/// Where integer sums begin: at a matrix's biases, or at 0. VNNI adds to what is there anyway; elsewhere it takes an addition.
constexpr bool kBiasIsFree = TS_VNNI;
template <bool any>
struct Bias {
  const std::int32_t* at = nullptr;
  std::int64_t row = 0;  ///< from one row's to the next

  template <int N, int halves>
  static HWY_INLINE Bias of(const PanelView& v, const DigitTiles& tiles, std::int64_t blocksBefore) {
    static constexpr std::int32_t none[2 * 2] = {};  // read again and again
    constexpr std::int64_t row = halves * kBiases<N>;
    if (zeroOf(v, *digitsTableOf()) == 0) return {none, 0};
    return {tiles.bias + blocksBefore * row, row};
  }
  HWY_INLINE VI start(std::int64_t i) const {
    if constexpr (any) return hn::Set(di, at[i]);
    else return hn::Zero(di);
  }
  /// That of `rows` rows later, `parts` further.
  HWY_INLINE Bias from(std::int64_t rows, int parts) const { return {at + rows * row + parts, row}; }
};

/// The same with all digits of a row, as floats in units of the row's scale.
template <Element E, int N, int first, int count, bool any>
HWY_INLINE V dotDigits(const VI (&w)[kGroups], const std::int8_t* x, Bias<any> bias) {
  const VI low = dot<E, first, count>(w, x, bias.start(0));
  if constexpr (N == 1) {
    return hn::ConvertTo(d, low);
  } else {
    const VI middle = dot<E, first, count>(w, x + kBlock, hn::Zero(di));
    const VI high = dot<E, first, count>(w, x + 2 * kBlock, bias.start(1));
    return hn::MulAdd(hn::ConvertTo(d, high), hn::Set(d, 65536.0f),
                      hn::ConvertTo(d, hn::Add(low, hn::ShiftLeft<8>(middle))));
  }
}

/// What is read some blocks later is asked for now: a processor's own prefetch stops at page ends and knows one stream
/// of the several.
template <Element E>
HWY_INLINE void prefetchAhead(const PanelView& v, const Planes& planes, std::int64_t panel, std::int64_t block,
                              std::int64_t group) {
  constexpr int lines = baseBits(E), ahead = kAheadBytes / (lines * 64);  // 64 bytes a bit: 16 rows of 32 codes
  const char* base = reinterpret_cast<const char*>(planes.base) + (block + ahead) * lines * 64;
  for (int i = 0; i < lines; ++i) __builtin_prefetch(base + 64 * i);
  if constexpr (highBits(E) > 0)
    for (int i = 0; i < highBits(E); ++i)
      __builtin_prefetch(reinterpret_cast<const char*>(planes.high) + ((block + ahead) * highBits(E) + i) * 64);
  const std::int64_t scale =
      (panel * v.groups + group) * kPanel + ahead * 32;  // near enough when groups are longer than a block
  const int size = v.scaleKind == ScaleKind::F32 ? 4 : v.scaleKind == ScaleKind::F16 ? 2 : 1;
  __builtin_prefetch(static_cast<const char*>(v.scales) + scale * size);
  if (v.offsetKind > OffsetKind::Constant)
    __builtin_prefetch(static_cast<const char*>(v.offsets) + scale * (v.offsetKind == OffsetKind::F32   ? 4
                                                                      : v.offsetKind == OffsetKind::F16 ? 2
                                                                                                        : 1));
}

/// One panel times one tile of T rows, whose digits begin at row `row0`. One: T is 1 and the results stay in registers.
template <Element E, int sub, int N, bool any, bool One>
HWY_NOINLINE void panelTimesTile(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, std::int64_t row0,
                                 std::int64_t T, float* y) {
  constexpr int halves = kBlock / sub;
  const Planes planes = planesOf(v, panel);
  const std::int64_t blocks = v.padded / kBlock, at = row0 * blocks;
  const bool adds = addsOffsets(v);
  const std::int8_t* x = tiles.x + at * N * kBlock;
  const float* xScales = tiles.scales + at;
  const float* sums = sub == 16 ? tiles.sums16 : tiles.sums32;  // null unless there are offsets
  const float* xSums = sums ? sums + at * halves : nullptr;
  auto bias = Bias<any>::template of<N, halves>(v, tiles, at);
  V one[kParts];
  for (int h = 0; h < kParts; ++h) one[h] = hn::Zero(d);
  if constexpr (!One)
    for (std::int64_t i = 0; i < T * kPanel; i += kLanes) hn::Store(hn::Zero(d), d, y + i);
  const std::int64_t groupBlocks = sub == 16 ? 1 : v.group / kBlock;
  std::int64_t group = 0, left = groupBlocks;  // of the group, in blocks: dividing costs more than a row does
  for (std::int64_t block = 0; block < blocks; ++block) {
    prefetchAhead<E>(v, planes, panel, block, group);
#pragma GCC unroll 1
    for (int h = 0; h < kParts; ++h) {
      VI w[kGroups];
      loadCodes<E>(planes, block, h, w);
      V scale[halves], offset[halves];
      for (int i = 0; i < halves; ++i) {
        scale[i] = scaleOf(v, panel, group + i, h);
        offset[i] = adds ? offsetOf(v, panel, group + i, h, scale[i]) : scale[i];
      }
      const auto row = [&](std::int64_t m, V sum) HWY_ATTR {
        const std::int8_t* xm = x + m * N * kBlock;
        asm("" : "+r"(xm));  // or GCC copies a row's activations to the stack, ahead of the loop over the parts
        const V xScale = hn::Set(d, xScales[m]);
        const auto half = [&](auto i) HWY_ATTR {
          const V s = dotDigits<E, N, i*(sub / 4), sub / 4>(w, xm, bias.from(m, i * kBiases<N>));
          sum = hn::MulAdd(scale[i], hn::Mul(s, xScale), sum);
          if (adds) sum = hn::MulAdd(offset[i], hn::Set(d, xSums[m * halves + i]), sum);
        };
        half(std::integral_constant<int, 0>());
        if constexpr (halves == 2) half(std::integral_constant<int, 1>());
        return sum;
      };
      if constexpr (One) {
        one[h] = row(0, one[h]);
      } else {
        for (std::int64_t m = 0; m < T; ++m) {
          float* to = y + m * kPanel + h * kLanes;
          hn::Store(row(m, hn::Load(d, to)), d, to);
        }
      }
    }
    if (--left == 0) left = groupBlocks, group += halves;
    x += T * N * kBlock, xScales += T, bias = bias.from(T, 0);
    if (xSums) xSums += T * halves;
  }
  if constexpr (One)
    for (int h = 0; h < kParts; ++h) hn::Store(one[h], d, y + h * kLanes);
}

#if HWY_TARGET == HWY_AVX2
// Several rows with 16 registers: codes wait unpacked in the first-level cache, and a tile of R rows times the panel's two
// parts is summed in registers, so that a code serves R rows and a broadcast activation both parts. The integers are
// those of the kernel above, and so are the bits. Signed codes need a widening for each product: nothing is won.

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
    const auto rowsAt = [&](std::int64_t m) {
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

constexpr bool mayHave16(Element e) {
  return e == Element::U2 || e == Element::U3 || e == Element::U6;
}

template <Element E, int sub, int N, bool any>
HWY_INLINE void manyRows(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, std::int64_t row0,
                         std::int64_t T, float* y) {
#if HWY_TARGET == HWY_AVX2
  if constexpr (!kSigned<E>) return panelTimesRows<E, sub, N, any>(v, panel, tiles, row0, T, y);
#endif
  panelTimesTile<E, sub, N, any, false>(v, panel, tiles, row0, T, y);
}

/// Bytes of codes that stay in a second-level cache while every tile passes; a tile's results then do, too.
constexpr std::int64_t kStretchBytes = std::int64_t{256} << 10;

template <Element E, int sub, int N, bool any>
void panelsOf(const PanelView& v, Range panels, const DigitTiles& tiles, Rows out, float* y) {
  const std::int64_t fit = kStretchBytes / static_cast<std::int64_t>(v.basePanelBytes), stretch = fit > 1 ? fit : 1;
  for (std::int64_t first = panels.begin; first < panels.end; first += stretch) {
    const std::int64_t last = first + stretch < panels.end ? first + stretch : panels.end;
    for (std::int64_t row0 = 0; row0 < tiles.count; row0 += tiles.tile) {
      const std::int64_t T = tiles.count - row0 < tiles.tile ? tiles.count - row0 : tiles.tile;
      for (std::int64_t panel = first; panel < last; ++panel) {
        if (T == 1)
          panelTimesTile<E, sub, N, any, true>(v, panel, tiles, row0, 1, y);
        else
          manyRows<E, sub, N, any>(v, panel, tiles, row0, T, y);
        for (std::int64_t m = 0; m < T; ++m) {
          V sums[kParts];
          for (int h = 0; h < kParts; ++h) sums[h] = hn::Load(d, y + m * kPanel + h * kLanes);
          storePanel(sums, out.row(row0 + m) + panel * kPanel, v.rows - panel * kPanel);
        }
      }
    }
  }
}
template <Element E, int sub, int N>
void panelsBiased(const PanelView& v, Range panels, const DigitTiles& tiles, Rows out, float* y) {
  if (kBiasIsFree || zeroOf(v, *digitsTableOf()) != 0) return panelsOf<E, sub, N, true>(v, panels, tiles, out, y);
  if constexpr (!kBiasIsFree) panelsOf<E, sub, N, false>(v, panels, tiles, out, y);
}
template <Element E, int N>
void panelsWith(const PanelView& v, Range panels, const DigitTiles& tiles, Rows out, float* y) {
  if constexpr (kTaken<E, N>) {
    if constexpr (mayHave16(E)) {
      if (v.group == 16) return panelsBiased<E, 16, N>(v, panels, tiles, out, y);
    }
    panelsBiased<E, 32, N>(v, panels, tiles, out, y);
  }
}

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
      const std::int32_t whole = sums.all[0] + sums.all[1];
      tiles.scales[at] = scale;
      if (tiles.sums16)
        for (int i = 0; i < 2; ++i) tiles.sums16[2 * at + i] = scale * static_cast<float>(sums.all[i]);
      if (tiles.sums32) tiles.sums32[at] = scale * static_cast<float>(whole);
      if (tiles.halves && tiles.bias)
        for (int i = 0; i < 2; ++i) putBias<N>(tiles.zero, sums.all[i], sums.highest[i], tiles.bias + (2 * at + i) * kBiases<N>);
      else if (tiles.bias)
        putBias<N>(tiles.zero, whole, sums.highest[0] + sums.highest[1], tiles.bias + at * kBiases<N>);
    }
  }
}

template <int... e>
DigitsTable makeTable(std::integer_sequence<int, e...>) {
  return {{kTaken<static_cast<Element>(e), 3>...},
          kLifted,
          {{panelsWith<static_cast<Element>(e), 1>, panelsWith<static_cast<Element>(e), 3>}...},
          {fillRows<1>, fillRows<3>}};
}

}  // namespace

const DigitsTable* digitsTableOf() {
  static const DigitsTable table = makeTable(std::make_integer_sequence<int, kElements>());
  return &table;
}
#endif
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::kernels {
HWY_EXPORT(digitsTableOf);
const DigitsTable& digitsTable() {
  static const bool chosen = (chooseIsa(), true);
  (void)chosen;
  return *HWY_DYNAMIC_DISPATCH(digitsTableOf)();
}
}  // namespace ts::kernels
#endif
