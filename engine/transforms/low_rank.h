// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/result.h"
#include "engine/transforms/linalg.h"

namespace ts {

/// W ≈ A B, A [N, r], B [r, K].
struct Factors {
  FloatMatrix a, b;
};

/// Everything needed to cut a matrix to any rank: an orthonormal basis of its outputs, most important direction first.
///
/// The best rank-r approximation of W in the sense of least ||(W - AB) X||_F is A = U_r, B = U_rᵀ W with U_r the leading left singular
/// vectors of W L, where L Lᵀ = X Xᵀ is the Gram matrix of the inputs (Eckart and Young on W L; the whitening of SVD-LLM,
/// arXiv 2403.07378, without ever inverting L). Without a Gram matrix L = I: the plain SVD.
class LowRankBasis {
 public:
  /// `gram`: sum x xᵀ of the inputs, or null for the plain SVD. Error: no finite factorization (not-a-number activations).
  static Result<LowRankBasis> of(const FloatMatrix& weights, const FloatMatrix* gram);

  std::int64_t fullRank() const { return basis_.cols(); }
  Factors cut(const FloatMatrix& weights, std::int64_t rank) const;
  /// sqrt(||(W - AB) X||² / ||W X||²) of a cut at `rank`, from the singular values.
  double relativeError(std::int64_t rank) const;

 private:
  DoubleMatrix basis_;           ///< [N, min(N, K)]
  std::vector<double> energy_;   ///< squared singular values, falling
};

/// The largest rank whose two factors hold at most `fraction` of the matrix's N * K parameters, rounded down to a multiple of
/// `multiple` where it is larger than that; at least 1.
std::int64_t rankFor(std::int64_t rows, std::int64_t cols, double fraction, std::int64_t multiple);

}  // namespace ts
