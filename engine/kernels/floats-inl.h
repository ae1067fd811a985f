// SPDX-License-Identifier: GPL-3.0-or-later
// What products of floats share, of few rows and of many. Included once per instruction set.
#if defined(TS_FLOATS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_FLOATS_INL_H
#undef TS_FLOATS_INL_H
#else
#define TS_FLOATS_INL_H
#endif

#include "engine/kernels/panel-inl.h"
#include "engine/kernels/tables.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

// Codes become floats times 2^24: the byte is moved to the top of its word, which keeps its sign. Undone in the scale.
constexpr float kCodeScale = 0x1p-24f;
// AVX2: 6 x 2 sums, 2 weights and 1 activation fill 15 of 16 registers. AVX-512 has 32: 12 sums, and as many results where
// they are kept beside them.
constexpr int kTile = HWY_TARGET == HWY_AVX3 ? 12 : 6;

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

template <int T, int Q>
HWY_INLINE void clear(V (&sums)[Q][T][kParts]) {
  for (int q = 0; q < Q; ++q)
    for (int m = 0; m < T; ++m)
      for (int h = 0; h < kParts; ++h) sums[q][m][h] = hn::Zero(d);
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
