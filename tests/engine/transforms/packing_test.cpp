// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/store.h"

#include <gtest/gtest.h>

#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

TEST(Pack, HoldsExactlyTheValuesOfTheGrid) {
  ThreadPool pool(2);
  FloatMatrix w = randomWeights(21, 200);
  w.array() += 0.03f;
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const bool symmetric : {true, false})
      for (const int group : {32, 64, 128, GridShape::kWholeRow}) {
        const Quantized q = roundToNearest({bits, group, symmetric}, w, pool);
        const MatrixPtr packed = pack(q, pool);
        const double worst = (unpack(*packed) - q.decode()).cwiseAbs().maxCoeff();
        EXPECT_LT(worst, 1e-7) << bits << " " << symmetric << " " << group;
        EXPECT_LT(packed->bytes(), static_cast<std::size_t>(24 * 224 * (bits + 2) / 8 + 24 * 7 * 8 + 640));  // two panels, whose pieces are whole lines
      }
}

TEST(Pack, LowRankKeepsItsFactors) {
  ThreadPool pool(1);
  const FloatMatrix a = randomWeights(20, 4), b = randomWeights(4, 40);
  const MatrixPtr product = joinLowRank({packPlain(a, "f32", pool), packPlain(b, "f32", pool)});
  const auto parts = lowRankParts(*product);
  ASSERT_TRUE(parts);
  EXPECT_TRUE(unpack(*parts->a) == a);
  EXPECT_TRUE(unpack(*parts->b) == b);
  EXPECT_FALSE(lowRankParts(*parts->a));
  EXPECT_EQ(plainFormatOf(*parts->a), "f32");
  EXPECT_EQ(plainFormatOf(*pack(roundToNearest({4, 32, true}, b, pool), pool)), "f16");
}

}  // namespace
}  // namespace ts
