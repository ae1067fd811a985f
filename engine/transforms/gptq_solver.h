// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/result.h"
#include "engine/transforms/grid.h"

namespace ts {

/// What GPTQ needs of a linear map's inputs: the order in which columns are rounded and the factor that spreads each column's
/// rounding error over the columns still to come. Shared by matrices with the same input (q, k, v; gate, up).
struct GptqFactor {
  std::vector<std::int32_t> order;  ///< order[i]: the i-th column to be rounded
  FloatMatrix inverse;              ///< upper triangular U with (H + damping)^-1 = Uᵀ U, rows and columns in `order`
  std::vector<bool> dead;           ///< columns whose input was always zero; their weights become zero
};

/// `gram` = sum x xᵀ ([K, K]). `damp` is a fraction of H's mean diagonal added to the diagonal (0.01 in the paper's code).
/// `actOrder`: columns by falling diagonal. Error: H stays indefinite (not-a-number activations).
Result<GptqFactor> gptqFactor(const FloatMatrix& gram, bool actOrder, double damp);

/// Rounds `weights` [N, K] column by column, each column's error compensated in the columns not yet rounded (Frantar et al.,
/// arXiv 2210.17323, the blocked "lazy batch" form). Grids are fitted to the compensated weights when a group's first column is
/// reached; with actOrder, where a group's columns are scattered, to the original weights beforehand ("static groups").
/// With a diagonal Gram matrix this is round-to-nearest.
Quantized gptqRound(const GptqFactor& factor, const GridShape& shape, bool actOrder, const FloatMatrix& weights, ThreadPool& pool);

}  // namespace ts
