// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/core/buffer.h"
#include "engine/core/thread_pool.h"
#include "engine/kernels/panel.h"

namespace ts {

// Products of packed panels with rows of activations. The rows travel in tiles of up to tileRows(): a tile of T rows lies as
// [k][T], so that one broadcast follows another. Tiles are cut into slabs of 256 k, and a slab holds every tile's part before
// the next one begins, so that the working set of a slab is one stretch of memory: [slab][tile][k in slab][T]. Element (m, n) is, whatever M, T, threads or path:
//
//   for each block of 32 (or group of 16) k in order:  s = sum over k in order of code[n, k] * x[m, k]   (fused multiply-adds)
//                                                      y += scale[n, block] * s;  y += offset[n, block] * sum(x[m, block])
//
// With int8 activations s is an exact integer, converted and multiplied by the block's activation scale.

/// Activations in tiles, float32.
struct TilesF32 {
  std::int64_t count = 0;            ///< rows
  std::int64_t padded = 0;           ///< multiple of 32
  int tile = 1;                      ///< rows a tile has, but the last
  const float* x = nullptr;          ///< [slab][tile][k in slab][T]
  const float* sums32 = nullptr;     ///< sums over 32 k, [slab][tile][block in slab][T]; null unless asked for
  const float* sums16 = nullptr;     ///< sums over 16 k
};
/// Activations in tiles, int8 with one float32 scale (largest magnitude / 127) per 32 k.
struct TilesQ8 {
  std::int64_t count = 0, padded = 0;
  int tile = 1;
  const std::int8_t* x = nullptr;    ///< [slab][tile][k / 4][T][4]
  const std::int16_t* words = nullptr;  ///< the same codes as 16 bits, [slab][tile][k / 4][2][T][2]: k 0, 2 and k 1, 3 of each four
  const float* scales = nullptr;     ///< [slab][tile][block in slab][T]
  const std::int32_t* codeSums = nullptr;  ///< sum of codes, like scales
  const float* sums32 = nullptr;     ///< scale * sum of codes
  const float* sums16 = nullptr;
};

/// What a matrix needs beside the activations themselves: sums for its offsets, 16-bit words for its signed codes.
struct Needs {
  bool sums32 = false, sums16 = false, words = false;
};
Needs needs(const PanelView& view);

/// Rows of a tile for M rows: all of them when they fit the registers, else as even as tiles allow.
int tileRowsF32(std::int64_t count);
int tileRowsQ8(std::int64_t count);

/// Floats of memory the prepared activations take.
std::size_t preparedFloatsF32(std::int64_t count, std::int64_t padded, Needs needs);
std::size_t preparedFloatsQ8(std::int64_t count, std::int64_t padded, Needs needs);

/// Lays out where everything goes in `memory`; then tiles may be filled in parallel, each once. A single row whose width needs
/// no padding is used where it is.
TilesF32 layTilesF32(ConstRows in, std::int64_t padded, Needs needs, float* memory);
TilesQ8 layTilesQ8(ConstRows in, std::int64_t padded, Needs needs, float* memory);
void fillTileF32(const TilesF32& tiles, ConstRows in, std::int64_t tile);
void fillTileQ8(const TilesQ8& tiles, ConstRows in, std::int64_t tile);
inline std::int64_t tileCount(std::int64_t count, int tile) { return (count + tile - 1) / tile; }

/// Floats of worker's scratch a product of `count` rows takes.
std::size_t productScratchFloats(std::int64_t count);

/// out[m, n] for the rows n of panels [panels.begin, panels.end).
void multiplyPanels(const PanelView& view, Range panels, const TilesF32& tiles, Rows out, float* scratch);
/// The same with int8 activations; the element must be an integer code.
void multiplyPanels(const PanelView& view, Range panels, const TilesQ8& tiles, Rows out, float* scratch);

/// Blocks [first, first + count) of a panel as floats, [32 * count][16], scales and offsets applied: for the wide path.
void unpackPanel(const PanelView& view, std::int64_t panel, std::int64_t first, std::int64_t count, float* out);

}  // namespace ts
