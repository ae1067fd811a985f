// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

TEST(InputStatistics, AgreeWithTheirDefinitionsWhateverTheBatches) {
  ThreadPool pool(2);
  const FloatMatrix x = correlatedInputs(301, 150);
  InputStatistics statistics(150, true);
  for (std::int64_t first = 0; first < 301; first += 70)
    statistics.add({x.row(first).data(), std::min<std::int64_t>(70, 301 - first), 150, 150}, pool);
  EXPECT_EQ(statistics.count(), 301);
  const DoubleMatrix d = x.cast<double>();
  const DoubleMatrix gram = d.transpose() * d;
  EXPECT_LT((statistics.gram().cast<double>() - gram).norm(), 1e-5 * gram.norm());
  EXPECT_TRUE(statistics.gram() == statistics.gram().transpose());
  const auto mean = statistics.mean(), magnitude = statistics.meanMagnitude();
  const auto variance = statistics.variance();
  for (int k = 0; k < 150; ++k) {
    EXPECT_NEAR(mean[k], d.col(k).mean(), 1e-5 * (1 + std::fabs(mean[k])));
    EXPECT_NEAR(magnitude[k], d.col(k).cwiseAbs().mean(), 1e-5 * magnitude[k]);
    EXPECT_NEAR(variance[k], (d.col(k).array() - d.col(k).mean()).square().mean(), 1e-6 * variance[k]);
  }
}

TEST(InputStatistics, DoNotDependOnTheNumberOfThreads) {
  ThreadPool one(1), three(3);
  const FloatMatrix x = correlatedInputs(64, 200);
  EXPECT_TRUE(statisticsOf(x, one).gram() == statisticsOf(x, three).gram());
  EXPECT_EQ(statisticsOf(x, one).variance(), statisticsOf(x, three).variance());
}

TEST(InputStatistics, ReadStridedRows) {
  ThreadPool pool(1);
  const FloatMatrix x = correlatedInputs(40, 64);
  InputStatistics part(32, true);
  part.add({x.data() + 16, 40, 32, 64}, pool);
  const FloatMatrix cut = x.middleCols(16, 32);
  EXPECT_LT((part.gram() - cut.transpose() * cut).norm(), 1e-4 * part.gram().norm());
}

TEST(GramNorm, IsTheSquaredOutputError) {
  ThreadPool pool(2);
  const FloatMatrix x = correlatedInputs(100, 48), w = randomWeights(70, 48);
  const double direct = (w * x.transpose()).cast<double>().squaredNorm();
  EXPECT_NEAR(gramNorm(w, statisticsOf(x, pool).gram(), pool), direct, 1e-4 * direct);
}

}  // namespace
}  // namespace ts
