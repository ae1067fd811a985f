// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "engine/core/thread_pool.h"
#include "engine/formats/tensor.h"
#include "engine/weights/matrix.h"

namespace ts {

/// Makes matrices, one factory a storage format. Packing runs in parallel over the pool; the source may be freed after.
/// `rowMajor` is rows x cols floats. Any shape is taken; K is padded to blocks and N to panels inside.

/// A checkpoint's tensor in its own stored type, exactly: unpackRows() gives dequantize()'s floats bit for bit.
MatrixPtr packTensor(const Tensor& tensor, ThreadPool& pool);

MatrixPtr packF32(const float* rowMajor, std::int64_t rows, std::int64_t cols, ThreadPool& pool);
MatrixPtr packF16(const float* rowMajor, std::int64_t rows, std::int64_t cols, ThreadPool& pool);   ///< nearest, ties to even
MatrixPtr packBf16(const float* rowMajor, std::int64_t rows, std::int64_t cols, ThreadPool& pool);

inline constexpr std::int64_t kWholeRow = 0;  ///< as a group size: one scale a row

/// Round to nearest, half-precision scales. group: a multiple of 32, or kWholeRow.
/// q8: scale = max |w| / 127, codes -127..127.
MatrixPtr packQ8(const float* rowMajor, std::int64_t rows, std::int64_t cols, std::int64_t group, ThreadPool& pool);
/// q4 symmetric: scale = (the w of largest magnitude) / -8, codes -8..7 (llama.cpp's Q4_0);
/// else scale = (max - min) / 15 over a range that includes 0, and an integer zero point.
MatrixPtr packQ4(const float* rowMajor, std::int64_t rows, std::int64_t cols, std::int64_t group, bool symmetric, ThreadPool& pool);

/// Integers somebody else has chosen (GPTQ, AWQ, HQQ, ternary): weight = scale * (code - zero), or scale * code + offset.
struct QuantizedRows {
  int bits = 4;                          ///< 2, 3, 4, 5, 6 or 8
  std::int64_t rows = 0, cols = 0;
  std::int64_t group = 128;              ///< a multiple of 32, or kWholeRow; the last group of a row may be short
  const std::uint8_t* codes = nullptr;   ///< rows x cols, 0 .. 2^bits - 1
  const float* scales = nullptr;         ///< rows x groups; kept as halves when every one of them is one exactly
  const std::uint8_t* zeros = nullptr;   ///< rows x groups, or null: `zero` everywhere
  const float* offsets = nullptr;        ///< rows x groups, or null; excludes zeros
  int zero = -1;                         ///< -1: 2^(bits - 1), the symmetric one

  std::int64_t groups() const { return group == kWholeRow ? 1 : (cols + group - 1) / group; }
};
MatrixPtr packQuantized(const QuantizedRows& source, ThreadPool& pool);

/// y = a (b x): a is [N, r], b is [r, K]. unpackRows() multiplies them out in float32.
MatrixPtr makeLowRank(MatrixPtr a, MatrixPtr b);
/// The factors a and b of a matrix makeLowRank() made; nothing for others. Transforms that come after work on each factor.
std::optional<std::pair<MatrixPtr, MatrixPtr>> lowRankFactors(const Matrix& matrix);

}  // namespace ts
