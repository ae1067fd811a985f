// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/gptq_solver.h"

#include <gtest/gtest.h>

#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

class GptqSolver : public testing::Test {
 protected:
  Quantized solve(const FloatMatrix& w, const FloatMatrix& gram, const GridShape& shape, bool actOrder = false, double damp = 0.01) {
    const auto factor = gptqFactor(gram, actOrder, damp);
    EXPECT_TRUE(factor) << factor.error().message;
    return gptqRound(*factor, shape, actOrder, w, pool);
  }
  ThreadPool pool{2};
};

TEST_F(GptqSolver, LeavesLessOutputErrorThanRoundingToNearest) {
  const FloatMatrix x = correlatedInputs(1200, 200), w = randomWeights(70, 200);
  const FloatMatrix gram = statisticsOf(x, pool).gram();
  for (const int bits : {2, 3, 4, 8})
    for (const int group : {32, 128})
      for (const bool symmetric : {true, false})
        for (const bool actOrder : {false, true}) {
          const GridShape shape{bits, group, symmetric};
          const double nearest = outputError(w, roundToNearest(shape, w, pool).decode(), x);
          const double gptq = outputError(w, solve(w, gram, shape, actOrder).decode(), x);
          EXPECT_LT(gptq, 0.7 * nearest) << "bits " << bits << " group " << group << " symmetric " << symmetric << " order " << actOrder;
        }
}

TEST_F(GptqSolver, IsRoundingToNearestWhenInputsAreUncorrelated) {
  const FloatMatrix w = randomWeights(65, 160);
  FloatMatrix gram = FloatMatrix::Identity(160, 160);
  for (int k = 0; k < 160; ++k) gram(k, k) = 1.0f + static_cast<float>((k * 37) % 11);
  for (const bool actOrder : {false, true}) {
    const GridShape shape{4, 64, true};
    EXPECT_TRUE(solve(w, gram, shape, actOrder).decode() == roundToNearest(shape, w, pool).decode());
  }
}

TEST_F(GptqSolver, TheFactorInvertsTheDampedGramMatrix) {
  const FloatMatrix x = correlatedInputs(400, 60);
  const FloatMatrix gram = statisticsOf(x, pool).gram();
  const auto factor = gptqFactor(gram, true, 0.05);
  ASSERT_TRUE(factor);
  const double ridge = 0.05 * gram.diagonal().cast<double>().mean();
  DoubleMatrix h(60, 60);
  for (int i = 0; i < 60; ++i)
    for (int j = 0; j < 60; ++j) h(i, j) = gram(factor->order[i], factor->order[j]) + (i == j ? ridge : 0.0);
  const DoubleMatrix u = factor->inverse.cast<double>();
  EXPECT_LT((u.transpose() * u * h - DoubleMatrix::Identity(60, 60)).norm(), 1e-3);
  for (int i = 1; i < 60; ++i) EXPECT_GE(h(i - 1, i - 1), h(i, i)) << "columns with the largest inputs come first";
}

TEST_F(GptqSolver, ActOrderKeepsGroupsWhereTheColumnsAre) {
  const FloatMatrix x = correlatedInputs(500, 96), w = randomWeights(8, 96);
  const GridShape shape{4, 32, true};
  const Quantized q = solve(w, statisticsOf(x, pool).gram(), shape, true);
  for (int r = 0; r < 8; ++r)
    for (int k = 0; k < 96; k += 32) {
      const Grid fitted = fitGrid(shape, w.row(r).data() + k, 32);
      EXPECT_EQ(q.grid(r, k).scale, fitted.scale);
    }
}

TEST_F(GptqSolver, TakesDeadChannelsAndTooFewSamples) {
  FloatMatrix x = correlatedInputs(20, 96);  // rank at most 20
  x.col(3).setZero();
  x.col(40).setZero();
  const FloatMatrix w = randomWeights(16, 96);
  for (const bool actOrder : {false, true}) {
    const FloatMatrix v = solve(w, statisticsOf(x, pool).gram(), {4, 32, true}, actOrder).decode();
    EXPECT_TRUE(v.allFinite());
    EXPECT_EQ(v.col(3), FloatMatrix::Zero(16, 1));
    EXPECT_LT(outputError(w, v, x), outputError(w, roundToNearest({4, 32, true}, w, pool).decode(), x));
  }
}

TEST_F(GptqSolver, AChannelNobodyReadsDoesNotWidenItsGroupsGrid) {
  FloatMatrix x = correlatedInputs(200, 96);
  x.col(3).setZero();
  FloatMatrix w = randomWeights(16, 96);
  w.col(3).setZero();
  FloatMatrix huge = w;
  huge.col(3).setConstant(1000.0f);
  for (const bool actOrder : {false, true}) {
    const FloatMatrix gram = statisticsOf(x, pool).gram();
    EXPECT_EQ(solve(huge, gram, {4, 32, true}, actOrder).decode(), solve(w, gram, {4, 32, true}, actOrder).decode()) << actOrder;
  }
}

TEST_F(GptqSolver, DoesNotDependOnTheNumberOfThreads) {
  ThreadPool one(1);
  const FloatMatrix x = correlatedInputs(300, 160), w = randomWeights(200, 160);
  const auto factor = gptqFactor(statisticsOf(x, pool).gram(), false, 0.01);
  ASSERT_TRUE(factor);
  EXPECT_EQ(gptqRound(*factor, {4, 64, true}, false, w, one).codes, gptqRound(*factor, {4, 64, true}, false, w, pool).codes);
}

TEST_F(GptqSolver, RefusesActivationsThatAreNotNumbers) {
  FloatMatrix gram = FloatMatrix::Identity(8, 8);
  gram(2, 2) = NAN;
  EXPECT_FALSE(gptqFactor(gram, false, 0.01));
}

}  // namespace
}  // namespace ts
