// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/flap_score.h"

#include <gtest/gtest.h>

#include "tests/engine/transforms/data.h"

namespace ts {
namespace {

std::int64_t kept(const std::vector<bool>& keep) { return std::count(keep.begin(), keep.end(), true); }

TEST(Fluctuation, IsVarianceTimesSquaredColumnNorm) {
  FloatMatrix w(2, 3);
  w << 1, 2, 0, 2, 0, 3;
  EXPECT_EQ(fluctuation(std::vector<double>{2, 1, 0}, w), (std::vector<double>{10, 4, 0}));
}

TEST(Standardize, GivesMeanZeroAndDeviationOne) {
  std::vector<double> v{1, 2, 3, 4};
  standardize(v);
  EXPECT_NEAR(v[0] + v[3], 0, 1e-12);
  EXPECT_NEAR(v[3] * v[3] + v[2] * v[2], 1.5, 1e-12);
  std::vector<double> same{5, 5};
  standardize(same);
  EXPECT_EQ(same, (std::vector<double>{0, 0}));
}

TEST(SelectUnits, RemovesTheLowestScoresUntilTheCostIsGone) {
  const PrunableModule heads{{0.0, 5.0, -3.0}, 10, 1, 1}, neurons{{-1.0, -2.0, 9.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0}, 1, 1, 1};
  const std::vector<PrunableModule> modules{heads, neurons};
  const auto none = selectUnits(modules, 0);
  EXPECT_EQ(kept(none[0]), 3);
  EXPECT_EQ(kept(none[1]), 10);
  const auto some = selectUnits(modules, 12.0 / 40.0);  // the worst head and the two worst neurons
  EXPECT_EQ(some[0], (std::vector<bool>{true, true, false}));
  EXPECT_EQ(some[1], (std::vector<bool>{false, false, true, true, true, true, true, true, true, true}));
}

TEST(SelectUnits, LeavesEachModuleItsMinimum) {
  const std::vector<PrunableModule> modules{{{-9, -8, -7}, 1, 2, 1}, {{1, 2, 3}, 1, 1, 1}};
  const auto keep = selectUnits(modules, 0.99);
  EXPECT_EQ(keep[0], (std::vector<bool>{false, true, true}));
  EXPECT_EQ(keep[1], (std::vector<bool>{false, false, true}));
}

TEST(SelectUnits, RoundsWhatIsKeptButNotAWholeModule) {
  PrunableModule module{{}, 1, 1, 32};
  for (int i = 0; i < 100; ++i) module.scores.push_back(i);
  const std::vector<PrunableModule> modules{module};
  EXPECT_EQ(kept(selectUnits(modules, 0)[0]), 100);
  const auto keep = selectUnits(modules, 0.3)[0];  // 70 -> 64
  EXPECT_EQ(kept(keep), 64);
  EXPECT_FALSE(keep[35]);
  EXPECT_TRUE(keep[36]);
  EXPECT_EQ(kept(selectUnits(modules, 0.95)[0]), 32);
}

TEST(Kept, RowsAndColumnsStayInOrder) {
  FloatMatrix w(2, 3);
  w << 1, 2, 3, 4, 5, 6;
  FloatMatrix columns(2, 2), rows(1, 3);
  columns << 1, 3, 4, 6;
  rows << 4, 5, 6;
  EXPECT_EQ(keptColumns(w, {true, false, true}), columns);
  EXPECT_EQ(keptRows(w, {false, true}), rows);
}

}  // namespace
}  // namespace ts
