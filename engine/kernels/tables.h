// SPDX-License-Identifier: GPL-3.0-or-later
// The product kernels' function tables, one per instruction set.
#pragma once

#include "engine/kernels/product.h"

namespace ts::kernels {

inline constexpr int kElements = 10;
inline constexpr int kSlabBlocks =
    8;  ///< blocks unpacked at a time: 256 x 16 floats, 16 KiB, half of a first-level cache

/// The magnitude that a block's largest activation is given. Three digits hold 8 355 711; the scale's rounding must not pass that.
constexpr float digitsTop(int digits) {
  return digits == 1 ? 127.0f : 8355000.0f;
}
/// A block with nothing above this is zero: its scale would overflow.
inline constexpr float kDigitsLeast = 1e-30f;

/// Where a tile's blocks of a slab begin, counted in blocks of one row (FloatTiles's layout).
inline std::int64_t blockAt(std::int64_t count, std::int64_t row, std::int64_t first, std::int64_t slabBlocks) {
  return first * count + row * slabBlocks;
}

/// Per-worker scratch of one product: unpacked slab, its scales and offsets, running sums of every row.
struct ProductScratch {
  float* slab;     ///< [kSlabBlocks * 32][16]
  float* scales;   ///< [kSlabBlocks][16]
  float* offsets;  ///< [kSlabBlocks][16]
  float* sums;     ///< [count][16]
};

struct FloatsTable {
  int tile;                                                                  ///< most rows of a tile
  bool scaled[kElements];                                                    ///< many rows meet these codes as weights already scaled, without sums of activations, and `few` has no kernel for them; those that this set's digits are for
  void (*few[kElements])(const PanelView&, Range, const FloatTiles&, Rows);  ///< one tile, straight from the codes
  void (*many[kElements])(const PanelView&, Range, const FloatTiles&, Rows, const ProductScratch&);
  void (*unpack[kElements])(const PanelView&, std::int64_t panel, std::int64_t first, std::int64_t count, float* out);
  void (*fill)(const FloatTiles&, ConstRows, std::int64_t tile);
};
struct DigitsTable {
  bool exact[kElements];  ///< whether three digits are the way of exact activations
  int lifted;             ///< added to signed codes, so that the processor may take them for unsigned
  bool pairs[kElements];  ///< whether one digit of several rows is wanted as pairs of 16 bits
  void (*multiply[kElements][2])(const PanelView&, Range, const DigitTiles&, Rows,
                                 float* scratch);  ///< with one digit, with three; sums [kDigitRows][16], then a tile's pairs, 16 words a row and block
  void (*fill[2])(const DigitTiles&, ConstRows, Range rows);
};
/// What is taken off a matrix's codes, as its integer sums see them. `lifted` is the table's.
constexpr int zeroOf(const PanelView& v, int lifted) {
  const bool isSigned = v.element == Element::S8 || v.element == Element::Table4;
  return (isSigned ? lifted : 0) + (v.offsetKind == OffsetKind::Constant ? v.zero : 0);
}
/// Whether offsets are left to add to integer sums.
constexpr bool addsOffsets(const PanelView& v) {
  return v.offsetKind > OffsetKind::Constant;
}

const FloatsTable& floatsTable();
const DigitsTable& digitsTable();
const FloatsTable& plainFloatsTable();
const DigitsTable& plainDigitsTable();

}  // namespace ts::kernels
