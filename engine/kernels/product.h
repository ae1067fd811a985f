// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/core/buffer.h"
#include "engine/core/thread_pool.h"
#include "engine/kernels/panel.h"

namespace ts {

// Products of packed panels with rows of activations. Element (m, n) is, whatever M and the threads:
//
//   for each block of 32 (or group of 16) k in order:  y += scale[n, block] * s[m, n, block];  y += offset[n, block] *
//   sum(x[m, block])
//
// where s is the block's sum of code * x. There are two ways to it:
//
//   Floats: fused multiply-adds over k in order. Plain float weights; codes, where bytes are slow to multiply. Many rows may also meet
//           codes of the other way so (FloatTiles): these are made weights first, scale * code + offset in float32, and the
//           product is that of a matrix of floats.
//   Digits: x in a block becomes scale * q, q an integer of one or three signed bytes (digits of base 256), so that s
//           is an exact integer sum of (code - zero) * q; a zero point of the whole matrix costs nothing.
//           One digit is the plan's int8 activations (q up to 127). Three digits are float32 activations: q up to
//           8 355 000, so x is off by at most 2^-24 of the block's largest, half a unit in the last place of that; what
//           float32 summation itself loses is of the same size. On x86 twice as fast as converting codes to floats.

/// Whether exact products of these codes go by digits: all with AVX-512 VNNI, unsigned ones on other x86 and in the portable set, on NEON those alone whose groups
/// may be of 16 (kExactByDigits in panel-inl.h).
bool exactByDigits(Element e);

/// Activations as floats. The rows travel in tiles, as large as the kernels take (tables.h): a tile of T rows lies as
/// [k][T], so that one broadcast follows another. Tiles are cut into slabs of 256 k, and a slab holds every tile's part
/// before the next one begins.
struct FloatTiles {
  std::int64_t count = 0;       ///< rows
  std::int64_t padded = 0;      ///< multiple of 32
  int tile = 1;                 ///< rows a tile has, but the last
  const float* x = nullptr;     ///< [slab][tile][k in slab][T]
  const float* sums = nullptr;  ///< sums over 32 k, [slab][tile][block in slab][T]; null unless asked for
};
/// Rows of a tile of digits at most: with three digits of 2048 k they take 192 KiB, within a second-level cache.
inline constexpr int kDigitRows = 32;

/// Activations as digits, in tiles of up to kDigitRows rows, tile after tile.
struct DigitTiles {
  std::int64_t count = 0, padded = 0;
  int tile = 1;
  int digits = 1;                ///< 1 or 3
  std::int8_t* x = nullptr;      ///< [tile][block][T][digit, lowest first][32]
  float* scales = nullptr;       ///< [tile][block][T]
  float* sums32 = nullptr;       ///< scale * sum of q over 32 k, like scales; null unless asked for
  float* sums16 = nullptr;       ///< the same for each 16 k, [tile][block][T][2]
  int zero = 0;                  ///< taken off each code
  bool halves = false;           ///< a bias for each 16 k instead of 32
  std::int32_t* bias = nullptr;  ///< [tile][block][T][half][part]: -zero * sum of q; with three digits of the lower two, then
                                 ///< of the highest. What integer sums begin with. Null for zero = 0
};

/// Sums of activations that a matrix needs for its offsets, and what is taken off its codes.
struct Needs {
  bool sums32 = false, sums16 = false;
  int zero = 0;
  bool halves = false;

  /// Both; false when one preparation cannot serve both.
  bool add(const Needs& more);
};
Needs needsOfFloats(const PanelView& view);
Needs needsOfDigits(const PanelView& view);

/// Floats of memory the prepared activations take.
std::size_t preparedFloats(std::int64_t count, std::int64_t padded, Needs needs);
std::size_t preparedDigits(std::int64_t count, std::int64_t padded, int digits, Needs needs);

/// Lays out where everything goes in `memory`; then rows (float tiles: whole tiles) may be filled in parallel, each
/// once. A single row of floats whose width needs no padding is used where it is.
FloatTiles layFloats(ConstRows in, std::int64_t padded, Needs needs, float* memory);
DigitTiles layDigits(ConstRows in, std::int64_t padded, int digits, Needs needs, float* memory);
void fill(const FloatTiles& tiles, ConstRows in, Range tileRange);
void fill(const DigitTiles& tiles, ConstRows in, Range rows);
/// In what pieces they may be filled.
std::int64_t pieces(const FloatTiles& tiles);
inline std::int64_t pieces(const DigitTiles& tiles) {
  return tiles.count;
}

/// Floats of worker's scratch a product of `count` rows takes; digits: 0 for floats.
std::size_t productScratchFloats(std::int64_t count, const PanelView& view, int digits);

/// out[m, n] for the rows n of panels [panels.begin, panels.end).
void multiplyPanels(const PanelView& view, Range panels, const FloatTiles& tiles, Rows out, float* scratch);
/// Of integer codes; with three digits, those that exactByDigits().
void multiplyPanels(const PanelView& view, Range panels, const DigitTiles& tiles, Rows out, float* scratch);

/// Blocks [first, first + count) of a panel as floats, [32 * count][16], scales and offsets applied: for the wide path.
void unpackPanel(const PanelView& view, std::int64_t panel, std::int64_t first, std::int64_t count, float* out);

}  // namespace ts
