// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cmath>

#include "engine/model/config.h"

namespace ts {
namespace {

// Expected numbers: the formulas of transformers 5.23's modeling_rope_utils.py in numpy float32.
void expectFrequencies(const RopeTable& table, const std::vector<double>& expected) {
  ASSERT_EQ(table.inverseFrequencies.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(table.inverseFrequencies[i], expected[i], 3e-7 * expected[i]) << i;
}

Rope rope(double theta, RopeScaling scaling = {}) { return {.theta = theta, .dims = 16, .scaling = std::move(scaling)}; }

TEST(RopeTable, PlainFrequenciesAreAGeometricSeries) {
  const RopeTable table = ropeTable(rope(10000.0), 100);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(table.inverseFrequencies[i], std::pow(10000.0, -static_cast<double>(i) / 8.0), 1e-7);
  EXPECT_EQ(table.attentionFactor, 1.0);
}

TEST(RopeTable, LinearDividesAll) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::Linear;
  s.factor = 4.0;
  const RopeTable table = ropeTable(rope(10000.0, s), 100);
  EXPECT_EQ(table.inverseFrequencies[0], 0.25);
}

TEST(RopeTable, Llama3SlowsLongWavesOnly) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::Llama3;
  s.factor = 8.0;
  s.originalContext = 64;
  expectFrequencies(ropeTable(rope(500000.0, s), 100), {1.0, 0.07940301299095154, 0.004700753837823868, 0.0009115831344388425, 0.00017677668074611574,
                                                        3.428102354519069e-05, 6.647869668086059e-06, 1.289173155782919e-06});
}

TEST(RopeTable, YarnRampsAndTurnsUpTheAttention) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::Yarn;
  s.factor = 4.0;
  s.originalContext = 64;
  const RopeTable table = ropeTable(rope(10000.0, s), 100);
  expectFrequencies(table, {1.0, 0.23717081546783447, 0.04999999701976776, 0.007905694656074047, 0.0024999999441206455, 0.0007905694656074047,
                            0.0002500000118743628, 7.905694656074047e-05});
  EXPECT_NEAR(table.attentionFactor, 1.138629436111989, 1e-12);
  s.attentionFactor = 1.5;
  EXPECT_EQ(ropeTable(rope(10000.0, s), 100).attentionFactor, 1.5);
}

TEST(RopeTable, LongRopeTakesTheFactorsOfTheLengthToCome) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::LongRope;
  s.factor = 32.0;
  s.originalContext = 4096;
  s.shortFactors.assign(8, 1.0);
  s.longFactors.assign(8, 2.0);
  EXPECT_EQ(ropeTable(rope(10000.0, s), 4096).inverseFrequencies[0], 1.0);
  EXPECT_EQ(ropeTable(rope(10000.0, s), 4097).inverseFrequencies[0], 0.5);
  EXPECT_NEAR(ropeTable(rope(10000.0, s), 10).attentionFactor, 1.1902380714238083, 1e-12);
}

}  // namespace
}  // namespace ts
