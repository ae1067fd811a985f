// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/transforms/linalg.h"

namespace ts {

/// WIFV, the weighted input feature variance of each input channel j of a linear map: Var(x_j) * ||W[:, j]||².
std::vector<double> fluctuation(std::span<const double> variance, const FloatMatrix& weights);

/// (v - mean) / standard deviation, in place; all zero where the values do not differ.
void standardize(std::vector<double>& values);

/// The units (heads or neurons) of one module of one layer that can be removed.
struct PrunableModule {
  std::vector<double> scores;    ///< of each unit, comparable between modules
  double cost = 1;               ///< parameters a unit takes
  std::int64_t keepAtLeast = 1;
  std::int64_t multiple = 1;     ///< a module that loses units keeps a multiple of this many
};

/// Flags of the units to keep in each module: the lowest scores over all modules go until `sparsity` of the total cost is gone
/// (one threshold for the whole model, units weighted by cost). 0 keeps everything.
std::vector<std::vector<bool>> selectUnits(std::span<const PrunableModule> modules, double sparsity);

/// Rows (columns) of a matrix whose flag is set, in order.
FloatMatrix keptRows(const FloatMatrix& matrix, const std::vector<bool>& keep);
FloatMatrix keptColumns(const FloatMatrix& matrix, const std::vector<bool>& keep);

}  // namespace ts
