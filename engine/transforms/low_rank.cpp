// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/low_rank.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace ts {
namespace {

/// Lower triangular L with L Lᵀ = G + ridge; the ridge grows until G, which calibration leaves singular for inputs it has not seen, factors.
Result<Eigen::MatrixXd> cholesky(const FloatMatrix& gram) {
  const double mean = gram.diagonal().cast<double>().mean();
  if (!std::isfinite(mean)) return fail(ErrorKind::Internal, "calibration met activations that are not finite numbers", "lord");
  for (double ridge = 1e-6; ridge <= 1.0; ridge *= 10) {
    Eigen::MatrixXd damped = gram.cast<double>();
    damped.diagonal().array() += ridge * (mean > 0 ? mean : 1.0);
    const Eigen::LLT<Eigen::MatrixXd> factor(damped);
    if (factor.info() == Eigen::Success) return Eigen::MatrixXd(factor.matrixL());
  }
  return fail(ErrorKind::Internal, "the calibration inputs' second moments could not be factorized", "lord");
}

}  // namespace

Result<LowRankBasis> LowRankBasis::of(const FloatMatrix& weights, const FloatMatrix* gram) {
  Eigen::MatrixXd m = weights.cast<double>();
  if (gram) {
    TS_TRY(const Eigen::MatrixXd l, cholesky(*gram));
    m = m * l.triangularView<Eigen::Lower>();
  }
  // Eigenvectors of the smaller of M Mᵀ and Mᵀ M: an order of magnitude faster than an SVD of M, and the directions it blurs
  // (singular values below 1e-8 of the largest) are the ones a cut drops.
  const bool tall = m.rows() > m.cols();
  const Eigen::MatrixXd square = tall ? Eigen::MatrixXd(m.transpose() * m) : Eigen::MatrixXd(m * m.transpose());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(square);
  if (solver.info() != Eigen::Success || !solver.eigenvalues().allFinite())
    return fail(ErrorKind::Internal, "the matrix could not be decomposed: it holds values that are not finite numbers", "lord");
  LowRankBasis result;
  const std::int64_t rank = square.rows();
  result.energy_.resize(static_cast<std::size_t>(rank));
  for (std::int64_t i = 0; i < rank; ++i)
    result.energy_[static_cast<std::size_t>(i)] = std::max(0.0, solver.eigenvalues()(rank - 1 - i));
  const Eigen::MatrixXd vectors = solver.eigenvectors().rowwise().reverse();
  if (!tall) {
    result.basis_ = vectors;
  } else {
    // Left singular vectors M v / sigma; QR in falling order of sigma keeps them orthonormal where sigma vanishes.
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(m * vectors);
    result.basis_ = qr.householderQ() * Eigen::MatrixXd::Identity(m.rows(), rank);
  }
  return result;
}

Factors LowRankBasis::cut(const FloatMatrix& weights, std::int64_t rank) const {
  rank = std::clamp<std::int64_t>(rank, 1, fullRank());
  const FloatMatrix a = basis_.leftCols(rank).cast<float>();
  return {a, FloatMatrix((basis_.leftCols(rank).transpose() * weights.cast<double>()).cast<float>())};
}

double LowRankBasis::relativeError(std::int64_t rank) const {
  const double total = std::accumulate(energy_.begin(), energy_.end(), 0.0);
  const double lost = std::accumulate(energy_.begin() + std::clamp<std::int64_t>(rank, 0, fullRank()), energy_.end(), 0.0);
  return total > 0 ? std::sqrt(lost / total) : 0.0;
}

std::int64_t rankFor(std::int64_t rows, std::int64_t cols, double fraction, std::int64_t multiple) {
  const double exact = fraction * static_cast<double>(rows) * static_cast<double>(cols) / static_cast<double>(rows + cols);
  std::int64_t rank = static_cast<std::int64_t>(exact);
  if (rank > multiple) rank -= rank % multiple;
  return std::clamp<std::int64_t>(rank, 1, std::min(rows, cols));
}

}  // namespace ts
