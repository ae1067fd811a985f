// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace ts {

/// How a matrix lies in memory for the kernels: panels of 16 output rows side by side, so that a vector lane is a row and
/// no sum ever crosses lanes. K (padded with zeros to a multiple of 32) is walked from front to back.
inline constexpr int kPanel = 16;
inline constexpr int kBlock = 32;

/// One weight's storage. F32, F16, BF16: panel data is [k][16]. The integer codes of a block lie in one or two planes, one after
/// the other, of 32-bit words, one word a row: 4 codes of 8 bits (consecutive k), 8 of 4 bits, 16 of 2 bits, 32 of 1 bit. In a
/// word of fewer than 8 bits a code, byte b holds k = b, b + 4, b + 8 ... from its low bits up, so that a shift and a mask give
/// 4 consecutive codes as bytes.
enum class Element {
  F32, F16, BF16,
  S8,      ///< signed
  U6,      ///< base plane 4 bits, high plane 2
  U5,      ///< base plane 4 bits, high plane 1
  U4,
  U3,      ///< base plane 2 bits, high plane 1
  U2,
  Table4,  ///< 4-bit index into `table`, 16 signed bytes
};

enum class ScaleKind {
  None,   ///< plain floats
  F32, F16,
  Super,  ///< half per 256 k times signed byte per group (the K-quants)
};
enum class OffsetKind {
  None,
  Constant,  ///< weight = scale * (code - zero), one zero for the matrix
  Point,     ///< a signed byte a group: weight = scale * (code - point)
  F32, F16,  ///< weight = scale * code + offset
  Super,     ///< weight = scale * code - (half per 256 k * byte per group)
};

constexpr int baseBits(Element e) {
  switch (e) {
    case Element::F32: return 32;
    case Element::F16: case Element::BF16: return 16;
    case Element::S8: return 8;
    case Element::U6: case Element::U5: case Element::U4: case Element::Table4: return 4;
    case Element::U3: case Element::U2: return 2;
  }
  return 0;
}
constexpr int highBits(Element e) { return e == Element::U6 ? 2 : e == Element::U5 || e == Element::U3 ? 1 : 0; }
/// Whether groups may be of 16.
constexpr bool mayHave16(Element e) { return e == Element::U2 || e == Element::U3 || e == Element::U6; }
constexpr bool isFloat(Element e) { return e == Element::F32 || e == Element::F16 || e == Element::BF16; }

/// Bytes of a row's scale or offset of a group.
constexpr int scaleBytes(ScaleKind kind) { return kind == ScaleKind::F32 ? 4 : kind == ScaleKind::F16 ? 2 : kind == ScaleKind::Super ? 1 : 0; }
constexpr int offsetBytes(OffsetKind kind) {
  return kind == OffsetKind::F32 ? 4 : kind == OffsetKind::F16 ? 2 : kind == OffsetKind::Point || kind == OffsetKind::Super ? 1 : 0;
}

/// A packed matrix as the kernels see it. A panel is one stream, read from front to back: sections of some blocks, each
/// beginning with what scales its codes. Scales apart from the codes would be a second stream, and a processor that reads ahead
/// of several at once does so with less vigour.
struct PanelView {
  Element element = Element::F32;
  ScaleKind scaleKind = ScaleKind::None;
  OffsetKind offsetKind = OffsetKind::None;
  std::int64_t rows = 0, cols = 0;  ///< true shape
  std::int64_t panels = 0;          ///< ceil(rows / 16)
  std::int64_t padded = 0;          ///< cols up to a multiple of 32
  std::int64_t group = 32;          ///< k's that share a scale: 16, or a multiple of 32
  std::int64_t sectionBlocks = 0, sectionGroups = 0;  ///< of whole sections; a panel's last may be shorter
  std::int64_t wholeSections = 0;
  std::size_t sectionBytes = 0, panelBytes = 0;
  int zero = 0;
  const std::byte* data = nullptr;
  const std::int8_t* table = nullptr;
};

/// Bytes of a block's codes.
constexpr std::size_t blockBytes(Element e) { return static_cast<std::size_t>(baseBits(e) + highBits(e)) * kPanel * kBlock / 8; }

/// Where the pieces of a section lie. What there is none of points to whatever comes next.
struct Section {
  const std::uint16_t *superScales, *superOffsets;  ///< [16] halves; the section begins with the first
  const std::byte *scales, *offsets;                ///< [group][16]: float, half or signed byte
  const std::byte* codes;                           ///< [block][plane][word][16]
  std::int64_t blocks;
};
constexpr std::int64_t groupsOf(const PanelView& v, std::int64_t blocks) {
  return blocks == v.sectionBlocks ? v.sectionGroups : (blocks * kBlock + v.group - 1) / v.group;  // dividing takes long
}
/// Of what stands before the codes of so many groups, in whole cache lines.
constexpr std::size_t headerBytes(const PanelView& v, std::int64_t groups) {
  const std::int64_t superBytes = (v.scaleKind == ScaleKind::Super ? 2 : 0) + (v.offsetKind == OffsetKind::Super ? 2 : 0);
  return static_cast<std::size_t>((superBytes + groups * (scaleBytes(v.scaleKind) + offsetBytes(v.offsetKind))) * kPanel + 63) / 64 * 64;
}
inline Section sectionOf(const PanelView& v, std::int64_t panel, std::int64_t index) {
  const std::byte* at = v.data + static_cast<std::size_t>(panel) * v.panelBytes + static_cast<std::size_t>(index) * v.sectionBytes;
  Section s;
  s.blocks = std::min(v.sectionBlocks, v.padded / kBlock - index * v.sectionBlocks);
  const std::int64_t groups = groupsOf(v, s.blocks);
  s.codes = at + headerBytes(v, groups);
  s.superScales = reinterpret_cast<const std::uint16_t*>(at);
  if (v.scaleKind == ScaleKind::Super) at += 2 * kPanel;
  s.superOffsets = reinterpret_cast<const std::uint16_t*>(at);
  if (v.offsetKind == OffsetKind::Super) at += 2 * kPanel;
  s.scales = at;
  s.offsets = at + groups * kPanel * scaleBytes(v.scaleKind);
  return s;
}
/// From a whole section to the next, which is one.
inline void toNext(const PanelView& v, Section& s) {
  s.superScales += v.sectionBytes / 2, s.superOffsets += v.sectionBytes / 2;
  s.scales += v.sectionBytes, s.offsets += v.sectionBytes, s.codes += v.sectionBytes;
}

}  // namespace ts
