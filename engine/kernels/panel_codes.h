// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cassert>
#include <cstring>

#include "engine/core/half.h"
#include "engine/kernels/panel.h"

namespace ts::kernels {

// One value at a time out of a panel: the reference, and what reads a single row.

/// One section of a panel, and how far into it a k is.
struct Place {
  Section section;
  std::int64_t k;
};
inline Place placeOf(const PanelView& v, std::int64_t panel, std::int64_t k) {
  const std::int64_t width = v.sectionBlocks * kBlock;
  return {sectionOf(v, panel, k / width), k % width};
}

/// The `bits`-wide code of row `lane` at k of a block's plane.
template <int bits>
std::uint32_t planeCode(const std::byte* plane, std::int64_t k, int lane) {
  constexpr int perWord = 32 / bits;
  std::uint32_t w;
  std::memcpy(&w, plane + ((k / perWord) * kPanel + lane) * 4, 4);
  const int within = static_cast<int>(k % perWord);
  return w >> (8 * (within % 4) + bits * (within / 4)) & ((1u << bits) - 1);
}

/// The codes of the block with k.
inline const std::byte* codesOf(const PanelView& v, std::int64_t panel, std::int64_t k) {
  const Place at = placeOf(v, panel, k);
  return at.section.codes + static_cast<std::size_t>(at.k / kBlock) * blockBytes(v.element);
}

/// The code of row `lane` at k of a block.
inline int codeAt(const PanelView& v, const std::byte* base, std::int64_t k, int lane) {
  const std::byte* high = base + baseBits(v.element) * 64;
  switch (v.element) {
    case Element::S8: return static_cast<std::int8_t>(planeCode<8>(base, k, lane));
    case Element::U6: return static_cast<int>(planeCode<4>(base, k, lane) | planeCode<2>(high, k, lane) << 4);
    case Element::U5: return static_cast<int>(planeCode<4>(base, k, lane) | planeCode<1>(high, k, lane) << 4);
    case Element::U4: return static_cast<int>(planeCode<4>(base, k, lane));
    case Element::U3: return static_cast<int>(planeCode<2>(base, k, lane) | planeCode<1>(high, k, lane) << 2);
    case Element::U2: return static_cast<int>(planeCode<2>(base, k, lane));
    case Element::Table4: return v.table[planeCode<4>(base, k, lane)];
    default: assert(false); return 0;
  }
}

inline float floatAt(const PanelView& v, const std::byte* base, std::int64_t k, int lane) {
  const std::int64_t at = k * kPanel + lane;
  if (v.element == Element::F32) return reinterpret_cast<const float*>(base)[at];
  const std::uint16_t h = reinterpret_cast<const std::uint16_t*>(base)[at];
  return v.element == Element::F16 ? floatOfHalf(h) : floatOfBfloat(h);
}

/// What turns a code of row n at k into a weight: scale * code + offset; with a zero point, offset = -scale * zero.
struct GroupScale {
  float scale = 1, offset = 0;
  int zero = 0;
};
inline GroupScale groupScale(const PanelView& v, std::int64_t n, std::int64_t k) {
  GroupScale g;
  if (isFloat(v.element)) return g;
  const Place at = placeOf(v, n / kPanel, k);
  const Section& s = at.section;
  const std::int64_t lane = n % kPanel, i = at.k / v.group * kPanel + lane;
  switch (v.scaleKind) {
    case ScaleKind::None: break;
    case ScaleKind::F32: g.scale = reinterpret_cast<const float*>(s.scales)[i]; break;
    case ScaleKind::F16: g.scale = floatOfHalf(reinterpret_cast<const std::uint16_t*>(s.scales)[i]); break;
    case ScaleKind::Super: g.scale = floatOfHalf(s.superScales[lane]) * static_cast<float>(reinterpret_cast<const std::int8_t*>(s.scales)[i]); break;
  }
  switch (v.offsetKind) {
    case OffsetKind::None: break;
    case OffsetKind::Constant: g.zero = v.zero; break;
    case OffsetKind::Point: g.zero = reinterpret_cast<const std::int8_t*>(s.offsets)[i]; break;
    case OffsetKind::F32: g.offset = reinterpret_cast<const float*>(s.offsets)[i]; break;
    case OffsetKind::F16: g.offset = floatOfHalf(reinterpret_cast<const std::uint16_t*>(s.offsets)[i]); break;
    case OffsetKind::Super: g.offset = -(floatOfHalf(s.superOffsets[lane]) * static_cast<float>(reinterpret_cast<const std::int8_t*>(s.offsets)[i])); break;
  }
  if (g.zero != 0) g.offset = -(g.scale * static_cast<float>(g.zero));
  return g;
}

}  // namespace ts::kernels
