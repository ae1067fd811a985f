// SPDX-License-Identifier: GPL-3.0-or-later
// Products of float weights, and of codes (few rows: of those that do not go by digits), with float32 activations; and unpacking of every format.
#include "engine/kernels/isa.h"
#include "engine/kernels/tables.h"
#include "engine/kernels/targets.h"
#undef HWY_WANT_AVX3_DL  // adds nothing to float arithmetic

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/product_floats.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

// After Highway, once an instruction set.
#include "engine/kernels/floats_few-inl.h"
#include "engine/kernels/floats_slabs-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
const FloatsTable* floatsTableOf() {
  return &plainFloatsTable();
}
#else
namespace {

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
          {kExactByDigits<static_cast<Element>(e)>...},
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
