// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "engine/core/buffer.h"
#include "engine/core/thread_pool.h"

namespace ts {

// Codes of a key/value cache to floats, as the attention kernels (attention.h) take them. Each value is one product, or one
// product and one sum, of float32: the same on every instruction set.

inline constexpr std::int64_t kCodeBlock = 32;  ///< values that share a scale

/// To the nearest even, for magnitudes below 2^22 (of others anything may come): where floats are whole, the low bits are the
/// number. lrintf would be a call.
inline std::int32_t nearestCode(float x) { return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x + 12582912.0f) - 0x4B400000u); }

constexpr std::int64_t codeBlocks(std::int64_t dim) { return (dim + kCodeBlock - 1) / kCodeBlock; }

/// out[r][i] = scales[r][i / 32] * codes[r][i]: `rows` rows of `dim` values, codeBlocks(dim) scales each.
void bytesToRows(const std::int8_t* codes, const float* scales, std::int64_t rows, std::int64_t dim, float* out);
/// out[p][i][lane] = scales[p][i / 32][lane] * codes[p][i][lane]: `panels` panels of 16 rows of `dim` values.
void bytesToKeyPanels(const std::int8_t* codes, const float* scales, std::int64_t panels, std::int64_t dim, float* out);

/// 32 codes of four bits with what they share: value i is in the low half of byte i, value i + 16 in the high half.
struct NibbleBlock {
  float scale, minimum;
  std::uint8_t codes[kCodeBlock / 2];
};
/// minimum + scale * code: of block b, the first 16 values to out[b * step] on, the others `apart` after them.
void nibblesToFloats(const NibbleBlock* blocks, std::int64_t count, std::int64_t step, std::int64_t apart, float* out);

inline constexpr std::int64_t kCodeGroup = 32;  ///< rows

/// Groups of rows in bytes, one after another: a group's scales, then its codes. Keys lie in panels of 16 rows, scales
/// [2][blocks][16] and codes [2][dim][16]; values row by row, [32][blocks] and [32][dim].
struct ByteGroups {
  const std::byte* first;
  std::int64_t dim;
  static constexpr std::size_t scaleBytes(std::int64_t dim) { return static_cast<std::size_t>(kCodeGroup * codeBlocks(dim)) * sizeof(float); }
  static constexpr std::size_t bytes(std::int64_t dim) { return scaleBytes(dim) + static_cast<std::size_t>(kCodeGroup * dim); }
  const float* scales(std::int64_t group) const { return reinterpret_cast<const float*>(first + static_cast<std::size_t>(group) * bytes(dim)); }
  const std::int8_t* codes(std::int64_t group) const { return reinterpret_cast<const std::int8_t*>(first + static_cast<std::size_t>(group) * bytes(dim) + scaleBytes(dim)); }
};
/// Groups of rows in blocks of 32, dim of them to a group: of keys, block i is value i of the rows; of values, the rows' one after
/// another, whose dim is a multiple of 32.
struct NibbleGroups {
  const NibbleBlock* first;
  std::int64_t dim;
};

/// As scoreKeys and addValues (attention.h) of the rows decoded, to the bit, without the detour through memory: for few
/// queries, kFewQueries at most. More share one decoding.
inline constexpr std::int64_t kFewQueries = 4;
void scoreCodes(ConstRows queries, const ByteGroups& groups, Range rows, Rows scores);
void scoreCodes(ConstRows queries, const NibbleGroups& groups, Range rows, Rows scores);
void addCodes(ConstRows weights, const ByteGroups& groups, Range rows, Rows out);
void addCodes(ConstRows weights, const NibbleGroups& groups, Range rows, Rows out);

}  // namespace ts
