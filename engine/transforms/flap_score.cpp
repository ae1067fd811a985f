// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/flap_score.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace ts {
namespace {

std::vector<Eigen::Index> keptIndices(const std::vector<bool>& keep) {
  std::vector<Eigen::Index> indices;
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (keep[i]) indices.push_back(static_cast<Eigen::Index>(i));
  return indices;
}

/// Brings the number kept to the nearest multiple, by score, without falling below keepAtLeast or changing a whole module.
void roundKept(const PrunableModule& module, std::vector<bool>& keep) {
  const std::int64_t units = static_cast<std::int64_t>(module.scores.size());
  const std::int64_t kept = std::count(keep.begin(), keep.end(), true);
  if (kept == units || module.multiple <= 1) return;
  const std::int64_t least = (std::max<std::int64_t>(1, module.keepAtLeast) + module.multiple - 1) / module.multiple * module.multiple;
  const std::int64_t wanted = std::min(units, std::max(least, (kept + module.multiple / 2) / module.multiple * module.multiple));
  std::vector<std::size_t> order(module.scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return module.scores[a] > module.scores[b]; });
  for (std::size_t i = 0; i < order.size(); ++i) keep[order[i]] = static_cast<std::int64_t>(i) < wanted;
}

}  // namespace

std::vector<double> fluctuation(std::span<const double> variance, const FloatMatrix& weights) {
  assert(static_cast<std::int64_t>(variance.size()) == weights.cols());
  std::vector<double> scores(variance.size());
  const Eigen::RowVectorXd norms = weights.cast<double>().colwise().squaredNorm();
  for (std::size_t j = 0; j < scores.size(); ++j) scores[j] = variance[j] * norms(static_cast<Eigen::Index>(j));
  return scores;
}

void standardize(std::vector<double>& values) {
  if (values.empty()) return;
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  const double deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0.0;
  for (double& v : values) v = deviation > 0 ? (v - mean) / deviation : 0.0;
}

std::vector<std::vector<bool>> selectUnits(std::span<const PrunableModule> modules, double sparsity) {
  struct Unit {
    double score;
    std::size_t module, index;
  };
  std::vector<Unit> units;
  std::vector<std::vector<bool>> keep;
  std::vector<std::int64_t> left;
  double total = 0;
  for (std::size_t m = 0; m < modules.size(); ++m) {
    const PrunableModule& module = modules[m];
    keep.emplace_back(module.scores.size(), true);
    left.push_back(static_cast<std::int64_t>(module.scores.size()));
    total += module.cost * static_cast<double>(module.scores.size());
    for (std::size_t i = 0; i < module.scores.size(); ++i) units.push_back({module.scores[i], m, i});
  }
  std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.score < b.score; });
  double removed = 0;
  for (const Unit& unit : units) {
    const PrunableModule& module = modules[unit.module];
    // The unit that would step over the target goes only if that comes nearer to it.
    if (removed + module.cost / 2 > sparsity * total) break;
    if (left[unit.module] <= std::max<std::int64_t>(1, module.keepAtLeast)) continue;
    keep[unit.module][unit.index] = false;
    --left[unit.module];
    removed += module.cost;
  }
  for (std::size_t m = 0; m < modules.size(); ++m) roundKept(modules[m], keep[m]);
  return keep;
}

FloatMatrix keptRows(const FloatMatrix& matrix, const std::vector<bool>& keep) {
  assert(static_cast<std::int64_t>(keep.size()) == matrix.rows());
  return matrix(keptIndices(keep), Eigen::all);
}

FloatMatrix keptColumns(const FloatMatrix& matrix, const std::vector<bool>& keep) {
  assert(static_cast<std::int64_t>(keep.size()) == matrix.cols());
  return matrix(Eigen::all, keptIndices(keep));
}

}  // namespace ts
