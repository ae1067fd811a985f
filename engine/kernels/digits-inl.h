// SPDX-License-Identifier: GPL-3.0-or-later
// Integer sums of a block's codes with the digits of activations (product.h). Included once per instruction set.
#if defined(TS_DIGITS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_DIGITS_INL_H
#undef TS_DIGITS_INL_H
#else
#define TS_DIGITS_INL_H
#endif

#include <cassert>
#include <type_traits>

#include "engine/kernels/panel-inl.h"
#include "engine/kernels/tables.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

// A block's codes for one part of a panel fill eight registers and stay there while every row of a tile passes: per row
// eight activations are broadcast from memory, multiplied and added. So one kernel serves one row and many. AVX2, which has half the
// registers, has one kernel for a row (digits_row-inl.h) and one for several (digits_rows-inl.h).
//
// AVX2's vpmaddubsw multiplies unsigned by signed bytes and adds pairs in 16 bits, saturating. So that nothing
// saturates:
//   codes of up to 4, 5, 6 bits: 8, 4, 2 pair sums fit in 16 bits before they are widened (15, 31, 63 times 128 times 2
//   each); signed bytes of one row: |w| times x with w's sign, widened at once (128 * 127 * 2 = 32512 fits; so x is kept
//   above -128, as it is where it has one digit).
// VNNI adds four products into 32 bits: unsigned codes as they are, signed ones with 128 added and taken off by the bias.
// NEON multiplies signed bytes to 16 bits and adds pairs of these to 32, so that nothing can be too large.
#define TS_VNNI (HWY_TARGET == HWY_AVX3_DL)
#define TS_MADDUBS (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3)
#define TS_ROWS_APART (HWY_TARGET == HWY_AVX2)
#define TS_NEON (HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_A64)

constexpr int kGroups = kBlock / 4;  ///< of four codes that share a 32-bit word

constexpr int kLifted = TS_VNNI ? 128 : 0;
/// Whether there is a kernel for these codes and N digits.
template <Element E, int N>
constexpr bool kTaken = N == 1 ? !isFloat(E) : kExactByDigits<E>;

/// Whether several rows meet these codes by pairs, words of two 16-bit integers (digits_rows-inl.h).
template <Element E>
constexpr bool kByPairs = TS_ROWS_APART && kSigned<E>;

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
#elif !TS_NEON
/// Bytes j of two words, multiplied as signed.
template <int j>
HWY_INLINE VI byteProduct(VI w, VI x) {
  return hn::Mul(hn::ShiftRight<24>(shift<8 * (3 - j)>(w)), hn::ShiftRight<24>(shift<8 * (3 - j)>(x)));
}
#endif

#if TS_VNNI || TS_MADDUBS
/// The compiler takes v for changed here: it neither gathers this sum with others nor reads this value from memory again.
HWY_INLINE void keep(VI& v) {
  asm("" : "+v"(v.raw));
}
#endif

HWY_INLINE VI activation(const std::int8_t* x, int group) {
  std::int32_t word;
  __builtin_memcpy(&word, x + 4 * group, 4);
  return hn::Set(di, word);
}

/// One part's codes of a block, as the dot products want them.
template <Element E>
HWY_INLINE void loadCodes(const Planes& planes, int part, VI (&w)[kGroups]) {
  const auto two = [&](auto i) HWY_ATTR {
    w[2 * i] = codes<E, 0>(planes, i, part);
    w[2 * i + 1] = codes<E, 1>(planes, i, part);
  };
  two(std::integral_constant<int, 0>()), two(std::integral_constant<int, 1>());
  two(std::integral_constant<int, 2>()), two(std::integral_constant<int, 3>());
#if TS_VNNI
  if constexpr (kSigned<E>)
    for (VI& v : w) v = hn::Xor(v, hn::Set(di, static_cast<std::int32_t>(0x80808080u)));
#endif
}

#if !TS_ROWS_APART
/// `sum` and the integer sums of groups [first, first + count) of a block with one row's digits x of the block.
template <Element E, int first, int count>
HWY_INLINE VI dot(const VI (&w)[kGroups], const std::int8_t* x, VI sum) {
#if TS_VNNI
  // Two chains: one alone would fill the scheduler with products that wait for each other.
  static_assert(count % 2 == 0);
  VI second = hn::Zero(di);
  keep(second);
#pragma GCC unroll 8
  for (int g = first; g < first + count; g += 2) {
    addDotFour(sum, w[g], x + 4 * g);
    addDotFour(second, w[g + 1], x + 4 * g + 4);
  }
  return hn::Add(sum, second);
#elif TS_MADDUBS
  if constexpr (kSigned<E>) {
#pragma GCC unroll 8
    for (int g = first; g < first + count; ++g)
      sum = hn::Add(sum, widen(maddubs(magnitude(w[g]), withSign(activation(x, g), w[g]))));
    return sum;
  } else {
    constexpr int run = pairSums(E) < count ? pairSums(E) : count;
    static_assert(run % 2 == 0);
#pragma GCC unroll 4
    for (int g = first; g < first + count; g += run) {
      const auto product = [&](int i) HWY_ATTR { return maddubs(w[g + i], activation(x, g + i)); };
      VI even = product(0), odd = product(1);  // two chains, as above
#pragma GCC unroll 4
      for (int i = 2; i < run; i += 2) {
        even = add16(even, product(i)), odd = add16(odd, product(i + 1));
        keep(odd);
      }
      sum = hn::Add(sum, widen(add16(even, odd)));
    }
    return sum;
  }
#elif TS_NEON
  int32x4_t low = vdupq_n_s32(0), high = low;  // of two words each, in pairs
#pragma GCC unroll 8
  for (int g = first; g < first + count; ++g) {
    const int8x16_t a = vreinterpretq_s8_s32(w[g].raw), b = vreinterpretq_s8_s32(activation(x, g).raw);
    low = vpadalq_s16(low, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
    high = vpadalq_s16(high, vmull_high_s8(a, b));
  }
  return hn::Add(sum, VI{vpaddq_s32(low, high)});
#else
  for (int g = first; g < first + count; ++g) {
    const VI xm = activation(x, g);
    sum = hn::Add(sum, hn::Add(hn::Add(byteProduct<0>(w[g], xm), byteProduct<1>(w[g], xm)),
                               hn::Add(byteProduct<2>(w[g], xm), byteProduct<3>(w[g], xm))));
  }
  return sum;
#endif
}

#endif

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
    if (zeroOf(v, kLifted) == 0) return {none, 0};
    assert(tiles.zero == zeroOf(v, kLifted) && tiles.halves == (halves == 2));
    return {tiles.bias + blocksBefore * row, row};
  }
  HWY_INLINE VI start(std::int64_t i) const {
    if constexpr (any) return hn::Set(di, at[i]);
    else return hn::Zero(di);
  }
  /// That of `rows` rows later, `parts` further.
  HWY_INLINE Bias from(std::int64_t rows, int parts) const { return {at + rows * row + parts, row}; }
};

#if !TS_ROWS_APART
/// dot() with all digits of a row, as floats in units of the row's scale.
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

#endif

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
