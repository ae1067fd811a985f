// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "engine/transforms/grid.h"
#include "engine/weights/matrix.h"

namespace ts {

/// The quantized matrix in the kernels' layout; the packed matrix holds exactly the values of `quantized`.
MatrixPtr pack(const Quantized& quantized, ThreadPool& pool);

/// A float matrix in a plain format: "f32", "f16", "bf16".
MatrixPtr packPlain(const FloatMatrix& values, const std::string& format, ThreadPool& pool);
/// The plain format that costs what `matrix` costs if that is plain, else "f16": what a matrix whose shape changed is stored in.
std::string plainFormatOf(const Matrix& matrix);

/// The two factors of a low-rank matrix W = A B; nothing for others.
struct LowRankParts {
  MatrixPtr a;  ///< [N, r]
  MatrixPtr b;  ///< [r, K]
};
std::optional<LowRankParts> lowRankParts(const Matrix& matrix);
MatrixPtr joinLowRank(const LowRankParts& parts);

}  // namespace ts
