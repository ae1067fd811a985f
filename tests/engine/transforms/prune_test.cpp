// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/prune.h"

#include <gtest/gtest.h>

#include <numeric>

#include "engine/transforms/flap_score.h"
#include "engine/transforms/store.h"
#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

/// A block whose MLP neurons and heads can be counted; only shapes and values of the matrices matter here.
Block someBlock(int hidden, int headDim, std::vector<int> queryToKv, int intermediate, ThreadPool& pool) {
  Block block;
  block.queryToKv = std::move(queryToKv);
  block.kvHeads = block.queryToKv.back() + 1;
  block.intermediate = intermediate;
  const auto make = [&](std::int64_t rows, std::int64_t cols, unsigned seed) { return packPlain(randomWeights(rows, cols, seed), "f32", pool); };
  block.q.weight = make(block.heads() * headDim, hidden, 1);
  block.k.weight = make(block.kvHeads * headDim, hidden, 2);
  block.v.weight = make(block.kvHeads * headDim, hidden, 3);
  block.o.weight = make(hidden, block.heads() * headDim, 4);
  block.gate.weight = make(intermediate, hidden, 5);
  block.up.weight = make(intermediate, hidden, 6);
  block.down.weight = make(hidden, intermediate, 7);
  return block;
}

/// Squared output error of `down` after pruning, on activations x of all neurons.
double downError(const Block& before, const Block& after, const std::vector<bool>& keep, const FloatMatrix& x) {
  FloatMatrix y = keptColumns(x, keep) * unpack(*after.down.weight).transpose();
  if (!after.down.bias.empty()) y.rowwise() += Eigen::Map<const Eigen::RowVectorXf>(after.down.bias.data(), y.cols());
  return (y - x * unpack(*before.down.weight).transpose()).cast<double>().squaredNorm();
}

class Prune : public testing::Test {
 protected:
  ThreadPool pool{1};
  const int neurons = 96;
  const Block block = someBlock(24, 8, {0, 0, 0, 1, 1, 1}, neurons, pool);
  const FloatMatrix x = correlatedInputs(400, neurons);
  const InputStatistics statistics = statisticsOf(x, pool, false);
  const std::vector<float> mean = statistics.mean();

  std::vector<bool> keepBest(int count) const {
    const std::vector<double> scores = fluctuation(statistics.variance(), unpack(*block.down.weight));
    std::vector<int> order(static_cast<std::size_t>(neurons));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) { return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)]; });
    std::vector<bool> keep(static_cast<std::size_t>(neurons));
    for (int i = 0; i < count; ++i) keep[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = true;
    return keep;
  }
  double errorOf(const std::vector<bool>& keep, bool bias) {
    Block copy = block;
    keepNeurons(copy, keep, bias ? &mean : nullptr, pool);
    return downError(block, copy, keep, x);
  }
};

TEST_F(Prune, KeepingEverythingChangesNothing) {
  Block copy = block;
  keepNeurons(copy, std::vector<bool>(96, true), &mean, pool);
  keepHeads(copy, 8, std::vector<bool>(6, true), nullptr, pool);
  for (const Role role : kRoles) EXPECT_EQ(copy.linear(role).weight, block.linear(role).weight);
  EXPECT_TRUE(copy.down.bias.empty());
}

TEST_F(Prune, NeuronsLeaveGateUpAndDown) {
  Block copy = block;
  std::vector<bool> keep(96, true);
  for (std::size_t i = 0; i < 96; i += 2) keep[i] = false;
  keepNeurons(copy, keep, nullptr, pool);
  EXPECT_EQ(copy.intermediate, 48);
  EXPECT_TRUE(unpack(*copy.up.weight) == keptRows(unpack(*block.up.weight), keep));
  EXPECT_TRUE(unpack(*copy.gate.weight) == keptRows(unpack(*block.gate.weight), keep));
  EXPECT_TRUE(unpack(*copy.down.weight) == keptColumns(unpack(*block.down.weight), keep));
  EXPECT_LT(copy.down.weight->bytes(), block.down.weight->bytes());
}

TEST_F(Prune, QueryHeadsGoOneByOneAndAKeyValueHeadWithItsLast) {
  Block copy = block;
  keepHeads(copy, 8, {false, true, true, true, true, true}, nullptr, pool);
  EXPECT_EQ(copy.queryToKv, (std::vector<int>{0, 0, 1, 1, 1}));
  EXPECT_EQ(copy.k.weight, block.k.weight);
  EXPECT_TRUE(unpack(*copy.q.weight) == unpack(*block.q.weight).bottomRows(40));
  EXPECT_TRUE(unpack(*copy.o.weight) == unpack(*block.o.weight).rightCols(40));
  keepHeads(copy, 8, {false, false, true, true, true}, nullptr, pool);
  EXPECT_EQ(copy.queryToKv, (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(copy.kvHeads, 1);
  EXPECT_TRUE(unpack(*copy.v.weight) == unpack(*block.v.weight).bottomRows(8));
}

TEST_F(Prune, TheBiasLowersTheOutputErrorOfAnyChoice) {
  for (unsigned seed = 1; seed < 5; ++seed) {
    std::vector<bool> keep(96);
    std::mt19937 random(seed);
    for (std::size_t i = 0; i < 96; ++i) keep[i] = random() % 3 != 0;
    EXPECT_LT(errorOf(keep, true), errorOf(keep, false));
  }
}

TEST_F(Prune, FluctuationChoosesBetterThanChance) {
  double chance = 0;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    std::vector<bool> keep(96, false);
    std::fill(keep.begin(), keep.begin() + 64, true);
    std::mt19937 random(seed);
    std::shuffle(keep.begin(), keep.end(), random);
    chance += errorOf(keep, true) / 8;
  }
  EXPECT_LT(errorOf(keepBest(64), true), 0.3 * chance);
}

TEST_F(Prune, AnExistingBiasIsAddedTo) {
  Block copy = block;
  copy.down.bias.assign(24, 1.0f);
  std::vector<bool> keep(96, true);
  keep[7] = false;
  keepNeurons(copy, keep, &mean, pool);
  EXPECT_NEAR(copy.down.bias[3], 1.0f + unpack(*block.down.weight)(3, 7) * mean[7], 1e-5);
}

}  // namespace
}  // namespace ts
