// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/low_rank.h"

#include <gtest/gtest.h>

#include <Eigen/SVD>

#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

class LowRank : public testing::TestWithParam<std::pair<int, int>> {
 protected:
  FloatMatrix approximate(const FloatMatrix* gram, std::int64_t rank) {
    const auto basis = LowRankBasis::of(w, gram);
    EXPECT_TRUE(basis);
    const Factors f = basis->cut(w, rank);
    EXPECT_EQ(f.a.cols(), f.b.rows());
    return f.a * f.b;
  }
  ThreadPool pool{2};
  const int rows = GetParam().first, cols = GetParam().second, full = std::min(rows, cols);
  const FloatMatrix x = correlatedInputs(500, cols), w = randomWeights(rows, cols);
  const FloatMatrix gram = statisticsOf(x, pool).gram();
};

TEST_P(LowRank, FullRankIsTheMatrix) {
  EXPECT_LT((approximate(nullptr, full) - w).norm(), 1e-4 * w.norm());
  EXPECT_LT((approximate(&gram, full) - w).norm(), 1e-4 * w.norm());
}

TEST_P(LowRank, PlainIsTheTruncatedSvd) {
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(w.cast<double>(), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const int r = full / 3;
  const Eigen::MatrixXd best = svd.matrixU().leftCols(r) * svd.singularValues().head(r).asDiagonal() * svd.matrixV().leftCols(r).transpose();
  EXPECT_LT((approximate(nullptr, r).cast<double>() - best).norm(), 1e-4 * best.norm());
}

TEST_P(LowRank, ErrorFallsWithRankAndIsAsPredicted) {
  const auto basis = LowRankBasis::of(w, &gram);
  ASSERT_TRUE(basis);
  double last = 1;
  for (int r = 1; r <= full; r += full / 6) {
    const double error = std::sqrt(outputError(w, approximate(&gram, r), x));
    EXPECT_LT(error, last);
    EXPECT_NEAR(basis->relativeError(r), error, 0.01 * error + 1e-4);
    last = error;
  }
}

TEST_P(LowRank, WeightingByActivationsLowersTheOutputError) {
  const int r = full / 3;
  EXPECT_LT(outputError(w, approximate(&gram, r), x), 0.8 * outputError(w, approximate(nullptr, r), x));
  // and cannot beat the plain SVD in the weights themselves
  EXPECT_GT((approximate(&gram, r) - w).norm(), (approximate(nullptr, r) - w).norm());
}

TEST_P(LowRank, TakesSingularInputsAndMatrices) {
  const FloatMatrix few = correlatedInputs(10, cols);
  const FloatMatrix singular = statisticsOf(few, pool).gram();
  EXPECT_TRUE(approximate(&singular, full / 2).allFinite());
  EXPECT_LT(outputError(w, approximate(&singular, 10), few), 1e-4) << "ten samples span at most ten directions";
  const FloatMatrix zero = FloatMatrix::Zero(rows, cols);
  const auto basis = LowRankBasis::of(zero, nullptr);
  ASSERT_TRUE(basis);
  EXPECT_EQ(basis->relativeError(1), 0.0);
  EXPECT_EQ(basis->cut(zero, 3).b, FloatMatrix::Zero(3, cols));
}

INSTANTIATE_TEST_SUITE_P(Shapes, LowRank, testing::Values(std::pair(48, 96), std::pair(96, 48), std::pair(64, 64)));

TEST(RankFor, KeepsTheFactorsWithinTheirShare) {
  EXPECT_EQ(rankFor(1024, 384, 0.5, 1), 139);
  EXPECT_EQ(rankFor(1024, 384, 0.5, 32), 128);
  EXPECT_EQ(rankFor(64, 64, 0.1, 32), 3);  // below the multiple: not rounded
  EXPECT_EQ(rankFor(4, 4, 1e-9, 1), 1);
  EXPECT_EQ(rankFor(8, 8, 5.0, 1), 8);
}

}  // namespace
}  // namespace ts
