// SPDX-License-Identifier: GPL-3.0-or-later
// The product kernels' function tables, one per instruction set.
#pragma once

#include "engine/kernels/product.h"

namespace ts::kernels {

inline constexpr int kElements = 10;
inline constexpr int kSlabBlocks = 8;  ///< blocks unpacked at a time: 256 x 16 floats, 16 KiB, half of a first-level cache

/// Where a tile's blocks of a slab begin, counted in blocks of one row (product.h's layout).
inline std::int64_t blockAt(std::int64_t count, std::int64_t row, std::int64_t first, std::int64_t slabBlocks) {
  return first * count + row * slabBlocks;
}

/// Per-worker scratch of one product: unpacked slab, its scales and offsets, running sums of every row.
struct ProductScratch {
  float* slab;     ///< [kSlabBlocks * 32][16], or bytes
  float* scales;   ///< [kSlabBlocks * 2][16]
  float* offsets;  ///< [kSlabBlocks * 2][16]
  float* sums;     ///< [count][16]
};

struct F32Table {
  int tile;  ///< most rows of a tile
  void (*one[kElements])(const PanelView&, Range, const TilesF32&, Rows);  ///< one row, straight from the codes
  void (*many[kElements])(const PanelView&, Range, const TilesF32&, Rows, const ProductScratch&);
  void (*unpack[kElements])(const PanelView&, std::int64_t panel, std::int64_t first, std::int64_t count, float* out);
  void (*fill)(const TilesF32&, ConstRows, std::int64_t tile);
};
struct Q8Table {
  int tile;
  bool words;  ///< signed codes want 16-bit activations when there are many rows
  void (*direct[kElements][4])(const PanelView&, Range, const TilesQ8&, Rows);  ///< one tile of 1, 2, 3 or 4 rows
  void (*many[kElements])(const PanelView&, Range, const TilesQ8&, Rows, const ProductScratch&);
  void (*fill)(const TilesQ8&, ConstRows, std::int64_t tile);
};
const F32Table& f32Table();
const Q8Table& q8Table();
const F32Table& plainF32Table();
const Q8Table& plainQ8Table();

}  // namespace ts::kernels
