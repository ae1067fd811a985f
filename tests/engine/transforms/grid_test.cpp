// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/grid.h"

#include <gtest/gtest.h>

#include "engine/formats/quantize.h"
#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

/// What GGUF's block type makes of the same values.
FloatMatrix throughGguf(TensorType type, const FloatMatrix& w) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(w.size() / 32) * info(type).blockBytes);
  quantize(type, w.data(), w.size(), bytes.data());
  FloatMatrix out(w.rows(), w.cols());
  dequantize(type, bytes.data(), w.size(), out.data());
  return out;
}

double rms(const FloatMatrix& a) { return std::sqrt(a.cast<double>().squaredNorm() / static_cast<double>(a.size())); }

TEST(Grid, EveryValueIsWithinHalfAStepOfItsWeight) {
  ThreadPool pool(2);
  const FloatMatrix w = randomWeights(20, 100);  // 100: a short last group
  for (const int bits : {2, 3, 4, 5, 8})
    for (const bool symmetric : {true, false}) {
      const Quantized q = roundToNearest({bits, 32, symmetric}, w, pool);
      const FloatMatrix v = q.decode();
      for (int r = 0; r < 20; ++r)
        for (int k = 0; k < 100; ++k) {
          const float step = std::fabs(q.grid(r, k).scale);
          // A symmetric grid of b < 8 bits has one step less on one side: there the error may reach a whole step.
          const float allowed = symmetric && bits < 8 ? 1.001f * step : 0.51f * step + 1e-4f;
          EXPECT_LE(std::fabs(v(r, k) - w(r, k)), allowed) << bits << symmetric;
          EXPECT_LT(q.codes[static_cast<std::size_t>(r * 100 + k)], 1 << bits);
        }
    }
}

TEST(Grid, MatchesTheErrorOfGgufsBlockTypes) {
  ThreadPool pool(2);
  const FloatMatrix w = randomWeights(32, 128);
  const std::pair<TensorType, GridShape> pairs[] = {
      {TensorType::Q8_0, {8, 32, true}}, {TensorType::Q4_0, {4, 32, true}}, {TensorType::Q4_1, {4, 32, false}}};
  for (const auto& [type, shape] : pairs) {
    const double theirs = rms(throughGguf(type, w) - w), ours = rms(roundToNearest(shape, w, pool).decode() - w);
    EXPECT_NEAR(ours, theirs, 0.02 * theirs) << info(type).name;
    EXPECT_LE(ours, theirs * 1.001) << info(type).name;  // codes are chosen for the scale as it is stored
  }
}

TEST(Grid, HoldsExactlyWhatAlreadyLiesOnIt) {
  ThreadPool pool(1);
  FloatMatrix w(1, 32);
  for (int k = 0; k < 32; ++k) w(0, k) = 0.125f * static_cast<float>(k % 16 - 8);
  EXPECT_TRUE(roundToNearest({4, 32, true}, w, pool).decode() == w);
  EXPECT_TRUE(roundToNearest({4, 32, false}, w, pool).decode() == w);
  const FloatMatrix zero = FloatMatrix::Zero(2, 40), same = FloatMatrix::Constant(2, 40, 0.5f);
  EXPECT_TRUE(roundToNearest({4, 32, true}, zero, pool).decode() == zero);
  EXPECT_TRUE(roundToNearest({3, 32, false}, zero, pool).decode() == zero);
  EXPECT_TRUE(roundToNearest({2, 16, false}, same, pool).decode() == same);
  EXPECT_TRUE(roundToNearest({2, 16, true}, same, pool).decode() == same);
}

TEST(Grid, MoreBitsSmallerGroupsAndAnOffsetEachLowerTheError) {
  ThreadPool pool(2);
  FloatMatrix w = randomWeights(64, 256);
  double last = 1e9;
  for (const int bits : {2, 3, 4, 8}) {
    const double error = rms(roundToNearest({bits, 64, true}, w, pool).decode() - w);
    EXPECT_LT(error, 0.7 * last);
    last = error;
  }
  EXPECT_LT(rms(roundToNearest({4, 32, true}, w, pool).decode() - w), rms(roundToNearest({4, 128, true}, w, pool).decode() - w));
  w.array() += 0.1f;
  EXPECT_LT(rms(roundToNearest({4, 32, false}, w, pool).decode() - w), rms(roundToNearest({4, 32, true}, w, pool).decode() - w));
}

TEST(Grid, WeightsThatAreNotNumbersStayVisible) {
  ThreadPool pool(1);
  for (const float bad : {NAN, INFINITY})
    for (const int bits : {4, 8})
      for (const bool symmetric : {true, false}) {
        FloatMatrix w = randomWeights(2, 64);
        w(0, 40) = bad;
        const FloatMatrix v = roundToNearest({bits, 32, symmetric}, w, pool).decode();
        EXPECT_TRUE(v.leftCols(32).allFinite());
        EXPECT_TRUE(v.row(1).allFinite());
        EXPECT_TRUE(v.row(0).rightCols(32).array().isNaN().all());
      }
}

TEST(Grid, ClippingNarrowsIt) {
  const FloatMatrix w = randomWeights(1, 32);
  for (const bool symmetric : {true, false}) {
    const GridShape shape{4, 32, symmetric};
    const Grid wide = fitGrid(shape, w.data(), 32), narrow = fitGrid(shape, w.data(), 32, 1, 0.5f);
    EXPECT_NEAR(narrow.scale, 0.5f * wide.scale, 1e-3f * std::fabs(wide.scale));
    EXPECT_NEAR(narrow.value(0) + narrow.value(15), 0.5f * (wide.value(0) + wide.value(15)) * (symmetric ? 1.0f : 2.0f), 2e-3f * std::fabs(wide.scale) * 16);
  }
}

}  // namespace
}  // namespace ts
