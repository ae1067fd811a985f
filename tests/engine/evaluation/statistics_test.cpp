// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/evaluation/scorer.h"

namespace ts {
namespace {

TEST(Moments, MeanAndStandardError) {
  Moments m;
  for (const double x : {1.0, 2.0, 3.0, 4.0}) m.add(x);
  EXPECT_DOUBLE_EQ(m.mean(), 2.5);
  EXPECT_NEAR(m.standardError(), std::sqrt(5.0 / 3.0) / 2.0, 1e-12);  // sample standard deviation / sqrt(n)
  Moments share;
  for (int i = 0; i < 100; ++i) share.add(i < 30 ? 1 : 0);
  EXPECT_NEAR(share.standardError(), std::sqrt(0.3 * 0.7 / 99), 1e-12);
}

TEST(Perplexity, CarriesLlamaCppsError) {
  Moments m;
  for (const double x : {1.0, 3.0}) m.add(x);
  const Metric p = perplexity(m);
  EXPECT_NEAR(p.value, std::exp(2.0), 1e-12);
  EXPECT_NEAR(p.stderr_, std::exp(2.0) * std::sqrt((5.0 - 4.0) / 1), 1e-12);
}

TEST(Spread, MedianHasAnIntervalOfRanks) {
  const auto five = spreadOf({5, 1, 4, 2, 3});
  EXPECT_EQ(five.median, 3);
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 5);
  EXPECT_DOUBLE_EQ(five.confidence, 0.9375) << "five cannot say 95 %";
  std::vector<double> values;
  for (int i = 1; i <= 20; ++i) values.push_back(i);
  const auto twenty = spreadOf(values);  // ranks 6 and 15: P = 0.9586
  EXPECT_EQ(twenty.median, 10.5);
  EXPECT_EQ(twenty.low, 6);
  EXPECT_EQ(twenty.high, 15);
  EXPECT_NEAR(twenty.confidence, 0.9586, 1e-4);
  EXPECT_EQ(spreadOf({}).median, 0);
  EXPECT_EQ(spreadOf({7}).confidence, 0);
  EXPECT_DOUBLE_EQ(spreadOf({1, 2, 3, 4, 5, 6}).confidence, 0.96875);
}

TEST(ScoreRow, IsLogSoftmaxAndKl) {
  const std::vector<float> plan = {0.0f, 1.0f, 2.0f}, dense = {0.0f, 2.0f, 1.0f};
  const TokenScore s = scoreRow(plan, dense, 2);
  const double z = 1 + std::exp(1.0) + std::exp(2.0);
  EXPECT_NEAR(s.nll, std::log(z) - 2, 1e-6);
  EXPECT_NEAR(s.denseNll, std::log(z) - 1, 1e-6);
  EXPECT_TRUE(s.top);
  EXPECT_FALSE(s.denseTop);
  EXPECT_FALSE(s.sameTop);
  // p = (1, e^2, e)/z, q = (1, e, e^2)/z: sum p ln(p/q) = (e^2 - e)/z
  EXPECT_NEAR(s.kl, (std::exp(2.0) - std::exp(1.0)) / z, 1e-6);
  EXPECT_NEAR(scoreRow(plan, plan, 0).kl, 0, 1e-12);
}

TEST(ScoreRow, StandsLargeLogits) {
  const std::vector<float> plan = {1e4f, -1e4f}, dense = {-1e4f, 1e4f};
  const TokenScore s = scoreRow(plan, dense, 1);
  EXPECT_NEAR(s.nll, 2e4, 1e-3);
  EXPECT_NEAR(s.kl, 2e4, 1e-3);
}

TEST(Kl, StatisticsOfEqualModels) {
  KlAccumulator kl;
  for (int i = 0; i < 10; ++i) {
    TokenScore s;
    s.nll = s.denseNll = 0.5 + i;
    s.sameTop = true;
    kl.add(s);
  }
  const KlStatistics k = kl.finish();
  EXPECT_EQ(k.mean, 0);
  EXPECT_EQ(k.sameTop, 1);
  EXPECT_EQ(k.logPerplexityRatio, 0);
  EXPECT_NEAR(k.correlation, 1, 1e-12);
  EXPECT_EQ(k.n, 10);
}

}  // namespace
}  // namespace ts
