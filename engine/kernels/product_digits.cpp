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

#include "engine/kernels/digits-inl.h"  // after Highway, once an instruction set
#include "engine/kernels/digits_fill-inl.h"
#include "engine/kernels/digits_row-inl.h"
#include "engine/kernels/digits_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
const DigitsTable* digitsTableOf() {
  return &plainDigitsTable();
}
#else
namespace {

/// Rows of results, one after another `step` floats apart.
struct Results {
  float* at;
  std::int64_t step;
};

#if !TS_ROWS_APART
/// One panel times one tile of T rows, the first of which is row `row0`, with digits x. The sums wait in y between blocks and go
/// to `to` with the last. One: T is 1 and the sums stay in registers.
template <Element E, int sub, int N, bool any, bool One>
HWY_NOINLINE void panelTimesTile(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, const std::int8_t* x, std::int64_t row0,
                                 std::int64_t T, float* y, Results to) {
  constexpr int halves = kBlock / sub;
  const std::int64_t blocks = v.padded / kBlock, at = row0 * blocks;
  const bool adds = addsOffsets(v), asks = !One || rowAsks<E, N>();
  const float* xScales = tiles.scales + at;
  const float* sums = sub == 16 ? tiles.sums16 : tiles.sums32;  // null unless there are offsets
  const float* xSums = sums ? sums + at * halves : nullptr;
  auto bias = Bias<any>::template of<N, halves>(v, tiles, at);
  V one[kParts];
  for (int h = 0; h < kParts; ++h) one[h] = hn::Zero(d);
  HWY_ALIGN static constexpr float zeros[kPanel] = {};
  Walk<E> walk(v, panel, asks);
  for (std::int64_t block = 0; block < blocks; ++block) {
    walk.next();
    if (asks) askForBlock<E>(walk.planes);
    const float* from = block == 0 ? zeros : y;
    const std::int64_t fromStep = block == 0 ? 0 : kPanel;
    const Results into = block + 1 == blocks ? to : Results{y, kPanel};
#pragma GCC unroll 1
    for (int h = 0; h < kParts; ++h) {
      VI w[kGroups];
      loadCodes<E>(walk.planes, h, w);
      V scale[halves], offset[halves];
      for (int i = 0; i < halves; ++i) {
        scale[i] = scaleOf(v, walk.section, walk.group + i, h);
        offset[i] = adds ? offsetOf(v, walk.section, walk.group + i, h, scale[i]) : scale[i];
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
        for (std::int64_t m = 0; m < T; ++m)
          hn::StoreU(row(m, hn::Load(d, from + m * fromStep + h * kLanes)), d, into.at + m * into.step + h * kLanes);
      }
    }
    x += T * N * kBlock, xScales += T, bias = bias.from(T, 0);
    if (xSums) xSums += T * halves;
  }
  if constexpr (One)
    for (int h = 0; h < kParts; ++h) hn::StoreU(one[h], d, to.at + h * kLanes);
}
#endif

/// Bytes of panels that stay in a second-level cache while every tile passes; a tile's results then do, too. And panels that a
/// tile's digits are turned into pairs for where a worker has so many at a time: by count of instructions that costs a fifteenth of one
/// panel (not timed).
constexpr std::int64_t kStretchBytes = std::int64_t{256} << 10;
template <Element E>
constexpr std::int64_t kLeastStretch = kByPairs<E> ? 4 : 1;

/// What a product of one tile has in its scratch.
struct TileScratch {
  float* sums;          ///< [kDigitRows][16]
  std::int32_t* pairs;  ///< the tile's digits by pairs, where kernels take them so
};

/// A tile's digits, as the kernel of its panels wants them: by pairs, unless a row is alone.
template <Element E, int N>
HWY_INLINE const std::int8_t* digitsOf(const DigitTiles& tiles, std::int64_t row0, std::int64_t T, const TileScratch& scratch) {
  const std::int64_t blocks = tiles.padded / kBlock;
  const std::int8_t* x = tiles.x + row0 * blocks * N * kBlock;
#if TS_ROWS_APART
  if constexpr (kByPairs<E>)
    if (T > 1) {
      unpackRows(x, T * blocks, scratch.pairs);
      return reinterpret_cast<const std::int8_t*>(scratch.pairs);
    }
#endif
  (void)T, (void)scratch;
  return x;
}

/// One panel times one tile; a panel that is the matrix's last may have fewer rows than lanes.
template <Element E, int sub, int N, bool any>
HWY_INLINE void panelTimes(const PanelView& v, std::int64_t panel, const DigitTiles& tiles, const std::int8_t* x, std::int64_t row0, std::int64_t T, Rows out, float* y) {
  const std::int64_t valid = v.rows - panel * kPanel;
  const Results place{out.row(row0) + panel * kPanel, out.stride};
  const bool whole = valid >= kPanel;
#if TS_ROWS_APART
  if (T == 1) {
    panelTimesRow<E, sub, N, any>(v, panel, tiles, x, row0, whole ? place.at : y);
    if (whole) return;
  } else {
    // The results' lines are far: they come while the products are made.
    for (std::int64_t m = 0; m < T; ++m) __builtin_prefetch(place.at + m * place.step);
    panelTimesRows<E, sub, N, any>(v, panel, tiles, x, row0, T, y);
  }
#else
  const Results into = whole ? place : Results{y, kPanel};
  if (T == 1) panelTimesTile<E, sub, N, any, true>(v, panel, tiles, x, row0, 1, y, into);
  else panelTimesTile<E, sub, N, any, false>(v, panel, tiles, x, row0, T, y, into);
  if (whole) return;
#endif
  for (std::int64_t m = 0; m < T; ++m) {
    V sums[kParts];
    for (int h = 0; h < kParts; ++h) sums[h] = hn::Load(d, y + m * kPanel + h * kLanes);
    storePanel(sums, place.at + m * place.step, valid);
  }
}

template <Element E, int sub, int N, bool any>
void panelsOf(const PanelView& v, Range panels, const DigitTiles& tiles, Rows out, float* memory) {
  const TileScratch scratch{memory, reinterpret_cast<std::int32_t*>(memory + kDigitRows * kPanel)};
  const std::int64_t fit = kStretchBytes / static_cast<std::int64_t>(v.panelBytes), stretch = fit > kLeastStretch<E> ? fit : kLeastStretch<E>;
  for (std::int64_t first = panels.begin; first < panels.end; first += stretch) {
    const std::int64_t last = first + stretch < panels.end ? first + stretch : panels.end;
    for (std::int64_t row0 = 0; row0 < tiles.count; row0 += tiles.tile) {
      const std::int64_t T = tiles.count - row0 < tiles.tile ? tiles.count - row0 : tiles.tile;
      const std::int8_t* x = digitsOf<E, N>(tiles, row0, T, scratch);
      for (std::int64_t panel = first; panel < last; ++panel) panelTimes<E, sub, N, any>(v, panel, tiles, x, row0, T, out, scratch.sums);
    }
  }
}
template <Element E, int sub, int N>
void panelsBiased(const PanelView& v, Range panels, const DigitTiles& tiles, Rows out, float* memory) {
  if (kBiasIsFree || zeroOf(v, kLifted) != 0) return panelsOf<E, sub, N, true>(v, panels, tiles, out, memory);
  if constexpr (!kBiasIsFree) panelsOf<E, sub, N, false>(v, panels, tiles, out, memory);
}
template <Element E, int N>
void panelsWith(const PanelView& v, Range panels, const DigitTiles& tiles, Rows out, float* memory) {
  if constexpr (kTaken<E, N>) {
    if constexpr (mayHave16(E)) {
      if (v.group == 16) return panelsBiased<E, 16, N>(v, panels, tiles, out, memory);
    }
    panelsBiased<E, 32, N>(v, panels, tiles, out, memory);
  }
}

template <int... e>
DigitsTable makeTable(std::integer_sequence<int, e...>) {
  return {{kTaken<static_cast<Element>(e), 3>...},
          kLifted,
          {kByPairs<static_cast<Element>(e)>...},
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
TS_CHOSEN_TABLE(DigitsTable, digitsTable, digitsTableOf)
}  // namespace ts::kernels
#endif
