// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/awq_search.h"

#include <gtest/gtest.h>

#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

class AwqSearch : public testing::Test {
 protected:
  FloatMatrix quantized(const FloatMatrix& w, double alpha, const std::vector<float>* clip = nullptr) {
    const std::vector<float> scale = awqScale(magnitude, alpha);
    FloatMatrix scaled = w;
    scaleColumns(scaled, scale);
    FloatMatrix v = roundToNearest(shape, scaled, pool, clip).decode();
    for (std::int64_t k = 0; k < v.cols(); ++k) v.col(k) /= scale[static_cast<std::size_t>(k)];
    return v;
  }
  ThreadPool pool{2};
  const FloatMatrix x = correlatedInputs(600, 128), w = randomWeights(96, 128), w2 = randomWeights(40, 128, 5);
  const InputStatistics statistics = statisticsOf(x, pool);
  const std::vector<float> magnitude = statistics.meanMagnitude();
  const GridShape shape{3, 64, true};
};

TEST_F(AwqSearch, AlphaZeroIsRoundingToNearest) {
  for (const float s : awqScale(magnitude, 0)) EXPECT_EQ(s, 1.0f);
  EXPECT_TRUE(quantized(w, 0) == roundToNearest(shape, w, pool).decode());
  const FloatMatrix* const matrices[] = {&w};
  const AwqChoice only = searchAlpha(matrices, statistics.gram(), magnitude, shape, 1, 1000, pool);
  EXPECT_EQ(only.alpha, 0);
  EXPECT_EQ(only.error, only.plainError);
}

TEST_F(AwqSearch, FindsAnAlphaThatLowersTheOutputError) {
  const FloatMatrix* const matrices[] = {&w, &w2};
  for (const std::int64_t sampled : {24, 1000}) {
    const AwqChoice choice = searchAlpha(matrices, statistics.gram(), magnitude, shape, 20, sampled, pool);
    EXPECT_GT(choice.alpha, 0);
    EXPECT_LT(choice.error, 0.8 * choice.plainError);
    EXPECT_LT(outputError(w, quantized(w, choice.alpha), x), outputError(w, quantized(w, 0), x));
    // What the choice says is what happens.
    const double e = ((quantized(w, choice.alpha) - w) * x.transpose()).squaredNorm() + ((quantized(w2, choice.alpha) - w2) * x.transpose()).squaredNorm();
    EXPECT_NEAR(choice.error, e, 1e-3 * e);
  }
}

TEST_F(AwqSearch, NeverChoosesWorseThanRoundingToNearest) {
  // All channels alike: scaling cannot help, and noise in the sampled estimate must not hurt.
  const FloatMatrix flat = randomWeights(500, 128, 3);
  const InputStatistics s = statisticsOf(flat, pool);
  const FloatMatrix* const matrices[] = {&w};
  for (const std::int64_t sampled : {4, 1000}) {
    const AwqChoice choice = searchAlpha(matrices, s.gram(), s.meanMagnitude(), shape, 20, sampled, pool);
    EXPECT_LE(choice.error, choice.plainError);
  }
}

TEST_F(AwqSearch, ScalesAreCenteredAndSurviveADeadChannel) {
  const std::vector<float> scale = awqScale(std::vector<float>{4.0f, 1.0f, 0.25f}, 0.5);
  EXPECT_FLOAT_EQ(scale[0], 2.0f);
  EXPECT_FLOAT_EQ(scale[1], 1.0f);
  EXPECT_FLOAT_EQ(scale[2], 0.5f);
  for (const float s : awqScale(std::vector<float>{0.0f, 1.0f}, 0.9)) EXPECT_TRUE(std::isfinite(s) && s > 0);
}

TEST_F(AwqSearch, ScalingWeightsAndUnscalingInputsCancel) {
  const std::vector<float> scale = awqScale(magnitude, 0.6);
  FloatMatrix scaled = w, gram = statistics.gram();
  scaleColumns(scaled, scale);
  unscaleGram(gram, scale);
  const double before = gramNorm(w, statistics.gram(), pool);
  EXPECT_NEAR(gramNorm(scaled, gram, pool), before, 1e-4 * before);
}

TEST_F(AwqSearch, ClippingLowersEachGroupsOwnError) {
  const auto factors = searchClip(w, statistics.gram(), shape, pool);
  ASSERT_EQ(factors.size(), 96u * 2u);
  const FloatMatrix plain = roundToNearest(shape, w, pool).decode(), clipped = roundToNearest(shape, w, pool, &factors).decode();
  double before = 0, after = 0;
  for (int r = 0; r < 96; ++r)
    for (int g = 0; g < 2; ++g) {
      const auto xg = x.middleCols(64 * g, 64);
      const double p = (xg * (plain - w).row(r).segment(64 * g, 64).transpose()).squaredNorm();
      const double c = (xg * (clipped - w).row(r).segment(64 * g, 64).transpose()).squaredNorm();
      EXPECT_LE(c, p * 1.0001);
      before += p;
      after += c;
    }
  EXPECT_LT(after, 0.95 * before);
}

}  // namespace
}  // namespace ts
