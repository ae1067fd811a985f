// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace ts {

/// How a matrix lies in memory for the kernels: panels of 16 output rows side by side, so that a vector lane is a row and
/// no sum ever crosses lanes. K (padded with zeros to a multiple of 32) is walked from front to back.
inline constexpr int kPanel = 16;
inline constexpr int kBlock = 32;

/// One weight's storage. F32, F16, BF16: panel data is [k][16]. The integer codes lie in planes of 32-bit words, one word a
/// row: 4 codes of 8 bits (consecutive k), 8 of 4 bits, 16 of 2 bits, 32 of 1 bit. In a word of fewer than 8 bits a code,
/// byte b holds k = b, b + 4, b + 8 ... from its low bits up, so that a shift and a mask give 4 consecutive codes as bytes.
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

/// A packed matrix as the kernels see it. Arrays of scales and offsets are [panel][group][16].
struct PanelView {
  Element element = Element::F32;
  ScaleKind scaleKind = ScaleKind::None;
  OffsetKind offsetKind = OffsetKind::None;
  std::int64_t rows = 0, cols = 0;  ///< true shape
  std::int64_t panels = 0;          ///< ceil(rows / 16)
  std::int64_t padded = 0;          ///< cols up to a multiple of 32
  std::int64_t group = 32;          ///< k's that share a scale: 16, or a multiple of 32
  std::int64_t groups = 0;          ///< per row
  std::int64_t supers = 0;          ///< per row, of 256 k
  int zero = 0;
  const std::byte* base = nullptr;
  const std::byte* high = nullptr;
  std::size_t basePanelBytes = 0, highPanelBytes = 0, scalePanelBytes = 0;
  const void* scales = nullptr;            ///< float, half or signed byte
  const void* offsets = nullptr;           ///< signed byte (Point), float, half or signed byte
  const std::uint16_t* superScales = nullptr;   ///< [panel][super][16] halves
  const std::uint16_t* superOffsets = nullptr;
  const std::int8_t* table = nullptr;
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
constexpr bool isFloat(Element e) { return e == Element::F32 || e == Element::F16 || e == Element::BF16; }

}  // namespace ts
