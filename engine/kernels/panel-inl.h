// SPDX-License-Identifier: GPL-3.0-or-later
// What both product kernels share: reading codes, scales and offsets of a panel. Included once per instruction set.
#if defined(TS_PANEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_PANEL_INL_H
#undef TS_PANEL_INL_H
#else
#define TS_PANEL_INL_H
#endif

#include <cmath>
#include <type_traits>
#include <utility>

#include "engine/core/half.h"
#include "engine/kernels/ahead.h"
#include "engine/kernels/panel.h"
#include "hwy/highway.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set runs product_plain.cpp
HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kPanel>;
using DI = hn::Rebind<std::int32_t, D>;
using DU8 = hn::Repartition<std::uint8_t, DI>;
using V = hn::Vec<D>;
using VI = hn::Vec<DI>;
constexpr D d;
constexpr DI di;
constexpr int kLanes = static_cast<int>(HWY_LANES(float)) < kPanel ? static_cast<int>(HWY_LANES(float)) : kPanel;
constexpr int kParts = kPanel / kLanes;  // vectors that hold the 16 rows of a panel

/// How far ahead kernels ask for weights: more than a page, beyond which the processor does not look by itself, and as much as a
/// busy memory takes to answer; past the first-level cache, which what is asked for so early would fill.
constexpr int kAheadBytes = 8192;
HWY_INLINE void askFor(const std::byte* line) { __builtin_prefetch(line + kAheadBytes, 0, 2); }

/// One block's planes; of codes in one plane, `high` means nothing.
struct Planes {
  const std::int32_t* base;
  const std::int32_t* high;
  const std::int8_t* table;
};
template <Element E>
HWY_INLINE Planes planesOf(const PanelView& v, const Section& s, std::int64_t block = 0) {
  const std::byte* at = s.codes + static_cast<std::size_t>(block) * blockBytes(E);
  return {reinterpret_cast<const std::int32_t*>(at), reinterpret_cast<const std::int32_t*>(at + baseBits(E) * 64), v.table};
}

// A block of 16 rows takes a line of 64 bytes for each bit of a code. Lines are asked for one after another, as they lie: a processor that
// sees them out of order does not fetch ahead by itself.
template <Element E>
constexpr int kBlockLines = baseBits(E) + highBits(E);
/// Whether one row, of N digits, had better ask: a processor that reads ahead well alone does so while there is little to compute for a
/// line. (Why not with codes in two planes is not known.)
template <Element E, int N>
HWY_INLINE bool rowAsks() {
  constexpr bool light = isFloat(E) || (highBits(E) == 0 && kBlock / 4 * N * kParts <= 3 * kBlockLines<E>);
  return !light || rowAsksForLines.load(std::memory_order_relaxed);
}
/// Asks for the part of what comes that belongs to word `word`, of 4, of a block.
template <Element E>
HWY_INLINE void askForWord(const Planes& planes, int word) {
  for (int i = word * kBlockLines<E> / 4; i < (word + 1) * kBlockLines<E> / 4; ++i) askFor(reinterpret_cast<const std::byte*>(planes.base) + 64 * i);
}
template <Element E>
HWY_INLINE void askForBlock(const Planes& planes) {
  for (int i = 0; i < kBlockLines<E>; ++i) askFor(reinterpret_cast<const std::byte*>(planes.base) + 64 * i);
}
/// For the part that belongs to what stands before a section's codes.
HWY_INLINE void askForHeader(const Section& s) {
  for (const std::byte* line = reinterpret_cast<const std::byte*>(s.superScales); line < s.codes; line += 64) askFor(line);
}

HWY_INLINE VI loadWords(const std::int32_t* plane, std::int64_t word, int part) {
  return hn::Load(di, plane + word * kPanel + part * kLanes);
}
template <int left>
HWY_INLINE VI shift(VI v) {  // logical enough: the caller masks
  if constexpr (left > 0) return hn::ShiftLeft<left>(v);
  else if constexpr (left < 0) return hn::BitCast(di, hn::ShiftRight<-left>(hn::BitCast(hn::RebindToUnsigned<DI>(), v)));
  else return v;
}

HWY_INLINE VI lookUp(const std::int8_t* table, VI nibbles) {
  const DU8 du8;
  const auto t = hn::LoadDup128(du8, reinterpret_cast<const std::uint8_t*>(table));
  return hn::BitCast(di, hn::TableLookupBytes(t, hn::BitCast(du8, nibbles)));
}

/// Codes of 4 consecutive k from 8 w + 4 i of a block (w < 4, i < 2) for one part's rows: a byte each, k in memory order.
template <Element E, int i>
HWY_INLINE VI codes(const Planes& p, int w, int part) {
  if constexpr (E == Element::S8) {
    return loadWords(p.base, 2 * w + i, part);
  } else if constexpr (E == Element::U2 || E == Element::U3) {
    const VI word = hn::ShiftRightSame(loadWords(p.base, w / 2, part), 4 * (w % 2));
    const VI low = hn::And(shift<-2 * i>(word), hn::Set(di, 0x03030303));
    if constexpr (E == Element::U2) return low;
    else return hn::Or(low, hn::And(shift<2 - i>(hn::ShiftRightSame(loadWords(p.high, 0, part), 2 * w)), hn::Set(di, 0x04040404)));
  } else {
    const VI low = hn::And(shift<-4 * i>(loadWords(p.base, w, part)), hn::Set(di, 0x0F0F0F0F));
    if constexpr (E == Element::U4) {
      return low;
    } else if constexpr (E == Element::Table4) {
      return lookUp(p.table, low);
    } else if constexpr (E == Element::U5) {
      return hn::Or(low, hn::And(shift<4 - i>(hn::ShiftRightSame(loadWords(p.high, 0, part), 2 * w)), hn::Set(di, 0x10101010)));
    } else {
      const VI word = hn::ShiftRightSame(loadWords(p.high, w / 2, part), 4 * (w % 2));
      return hn::Or(low, hn::And(shift<4 - 2 * i>(word), hn::Set(di, 0x30303030)));
    }
  }
}
template <Element E>
constexpr bool kSigned = E == Element::S8 || E == Element::Table4;

/// Whether an exact product of these codes goes by three digits (digits-inl.h), where that takes less than floats do
/// (product_floats.cpp): with instructions that multiply and add bytes, on AVX2 and AVX-512 without VNNI for unsigned ones alone.
/// Elsewhere those whose groups may be of 16, which floats do not know but as weights already scaled (floats_slabs-inl.h).
template <Element E>
constexpr bool kExactByDigits = HWY_TARGET == HWY_AVX3_DL                          ? !isFloat(E)
                                : HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 ? !isFloat(E) && !kSigned<E>
                                                                                   : mayHave16(E);

HWY_INLINE V loadHalf(const std::uint16_t* p) {
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p)));
}
HWY_INLINE V loadBf16(const std::uint16_t* p) {
  const hn::Rebind<std::uint16_t, D> dh;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(hn::Rebind<std::uint32_t, D>(), hn::Load(dh, p))));
}
HWY_INLINE V loadByte(const std::int8_t* p) {
  const hn::Rebind<std::int8_t, D> db;
  return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(db, p)));
}
/// Weight k of a block.
template <Element E>
HWY_INLINE V loadFloat(const Planes& p, int k, int part) {
  const int at = k * kPanel + part * kLanes;
  if constexpr (E == Element::F32) return hn::Load(d, reinterpret_cast<const float*>(p.base) + at);
  else if constexpr (E == Element::F16) return loadHalf(reinterpret_cast<const std::uint16_t*>(p.base) + at);
  else return loadBf16(reinterpret_cast<const std::uint16_t*>(p.base) + at);
}

/// Scale and offset of one of a section's groups for one part's rows.
HWY_INLINE V scaleOf(const PanelView& v, const Section& s, std::int64_t group, int part) {
  const std::int64_t i = group * kPanel + part * kLanes;
  switch (v.scaleKind) {
    case ScaleKind::F16: return loadHalf(reinterpret_cast<const std::uint16_t*>(s.scales) + i);
    case ScaleKind::F32: return hn::LoadU(d, reinterpret_cast<const float*>(s.scales) + i);
    case ScaleKind::Super: return hn::Mul(loadHalf(s.superScales + part * kLanes), loadByte(reinterpret_cast<const std::int8_t*>(s.scales) + i));
    case ScaleKind::None: break;
  }
  return hn::Set(d, 1.0f);
}
/// `scale` is scaleOf() of the same group.
HWY_INLINE V offsetOf(const PanelView& v, const Section& s, std::int64_t group, int part, V scale) {
  const std::int64_t i = group * kPanel + part * kLanes;
  switch (v.offsetKind) {
    case OffsetKind::Constant: return hn::Mul(scale, hn::Set(d, -static_cast<float>(v.zero)));
    case OffsetKind::Point: return hn::Neg(hn::Mul(scale, loadByte(reinterpret_cast<const std::int8_t*>(s.offsets) + i)));
    case OffsetKind::F16: return loadHalf(reinterpret_cast<const std::uint16_t*>(s.offsets) + i);
    case OffsetKind::F32: return hn::LoadU(d, reinterpret_cast<const float*>(s.offsets) + i);
    case OffsetKind::Super: return hn::Neg(hn::Mul(loadHalf(s.superOffsets + part * kLanes), loadByte(reinterpret_cast<const std::int8_t*>(s.offsets) + i)));
    case OffsetKind::None: break;
  }
  return hn::Zero(d);
}

/// Walks a panel's blocks from front to back.
template <Element E>
class Walk {
 public:
  /// Who walks asks for blocks, if anybody does; here it is for headers.
  HWY_INLINE Walk(const PanelView& v, std::int64_t panel, bool asksForHeaders)
      : view_(v), panel_(panel), asks_(asksForHeaders), groupBlocks_(v.group < kBlock ? 1 : v.group / kBlock), groups_(v.group < kBlock ? 2 : 1) {}
  /// To the next block, or the first.
  HWY_INLINE void next() {
    if (left_ == 0) {
      if (index_ > 0 && index_ < view_.wholeSections) toNext(view_, section);  // placing its pieces costs as much as a row does
      else section = sectionOf(view_, panel_, index_);
      ++index_, left_ = section.blocks, group = 0, groupLeft_ = groupBlocks_;
      planes = planesOf<E>(view_, section);
      if (asks_) askForHeader(section);
    } else {
      planes.base += blockBytes(E) / sizeof(std::int32_t);
      if constexpr (highBits(E) > 0) planes.high += blockBytes(E) / sizeof(std::int32_t);
      if (--groupLeft_ == 0) groupLeft_ = groupBlocks_, group += groups_;  // dividing would cost as much, too
    }
    --left_;
  }
  Section section{};
  Planes planes{};
  std::int64_t group = 0;  ///< the block's (first) of the section's

 private:
  const PanelView& view_;
  std::int64_t panel_;
  bool asks_;
  std::int64_t groupBlocks_, groups_;  ///< blocks that share a group; groups from one step to the next
  std::int64_t left_ = 0, groupLeft_ = 0, index_ = 0;
};

/// Writes a panel's 16 results of row m, or as many as the matrix has rows.
HWY_INLINE void storePanel(const V (&y)[kParts], float* out, std::int64_t valid) {
  if (valid >= kPanel) {
    for (int h = 0; h < kParts; ++h) hn::StoreU(y[h], d, out + h * kLanes);
    return;
  }
  HWY_ALIGN float all[kPanel];
  for (int h = 0; h < kParts; ++h) hn::Store(y[h], d, all + h * kLanes);
  for (std::int64_t i = 0; i < valid; ++i) out[i] = all[i];
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
