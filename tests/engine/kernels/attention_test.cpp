// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "engine/core/half.h"
#include "engine/kernels/isa.h"

namespace ts {
namespace {

std::vector<float> randoms(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = normal(generator);
  return x;
}

class AttentionTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = kernelIsa();
    ASSERT_TRUE(forceIsa(GetParam()));
  }
  void TearDown() override { forceIsa(before_); }
  std::string before_;
};

template <class T>
void checkRows(const std::vector<T>& rows, const std::vector<float>& exact, int heads, std::int64_t count, int dim) {
  const auto queries = randoms(static_cast<std::size_t>(heads * dim), 3);
  std::vector<float> scores(static_cast<std::size_t>(heads * count)), single(static_cast<std::size_t>(count));
  dotRowsGroup(queries.data(), dim, heads, rows.data(), count, dim, scores.data(), count);
  const auto start = randoms(static_cast<std::size_t>(heads * dim), 4);
  auto out = start;
  axpyRowsGroup(scores.data(), count, heads, rows.data(), count, dim, out.data(), dim);
  for (int h = 0; h < heads; ++h) {
    const float* query = queries.data() + h * dim;
    const float* score = scores.data() + h * count;
    dotRows(query, rows.data(), count, dim, single.data());
    for (std::int64_t r = 0; r < count; ++r) {
      double want = 0;
      for (int i = 0; i < dim; ++i) want += double(query[i]) * exact[static_cast<std::size_t>(r * dim + i)];
      EXPECT_NEAR(score[r], want, 1e-4);
      EXPECT_EQ(score[r], single[static_cast<std::size_t>(r)]) << "the group form gives the bits of the single one";
      float alone;
      dotRows(query, rows.data() + r * dim, 1, dim, &alone);
      EXPECT_EQ(score[r], alone) << "a row's score does not depend on its neighbours";
    }
    std::vector<float> sum(start.begin() + h * dim, start.begin() + (h + 1) * dim), byOne = sum;
    for (int i = 0; i < dim; ++i) {
      double want = sum[static_cast<std::size_t>(i)], magnitude = 1;
      for (std::int64_t r = 0; r < count; ++r) {
        const double term = double(score[r]) * exact[static_cast<std::size_t>(r * dim + i)];
        want += term, magnitude += std::fabs(term);
      }
      EXPECT_NEAR(out[static_cast<std::size_t>(h * dim + i)], want, 1e-6 * magnitude);
    }
    axpyRows(score, rows.data(), count, dim, sum.data());
    for (std::int64_t r = 0; r < count; ++r) axpyRows(score + r, rows.data() + r * dim, 1, dim, byOne.data());
    for (int i = 0; i < dim; ++i) {
      EXPECT_EQ(out[static_cast<std::size_t>(h * dim + i)], sum[static_cast<std::size_t>(i)]);
      EXPECT_EQ(out[static_cast<std::size_t>(h * dim + i)], byOne[static_cast<std::size_t>(i)]);
    }
  }
}

TEST_P(AttentionTest, RowsAgainstAPlainLoopAndAgainstThemselves) {
  for (const int dim : {4, 8, 20, 33, 64, 96, 128})
    for (const std::int64_t count : {1, 2, 7, 8, 33, 130})
      for (const int heads : {1, 2, 3, 8}) {
        const auto rows = randoms(static_cast<std::size_t>(count * dim), 2);
        std::vector<std::uint16_t> half(rows.size());
        std::vector<float> exact(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) half[i] = halfOfFloat(rows[i]), exact[i] = floatOfHalf(half[i]);
        checkRows(rows, rows, heads, count, dim);
        checkRows(half, exact, heads, count, dim);
      }
}

TEST_P(AttentionTest, SlicesOfTheOutputGiveTheBitsOfTheWhole) {
  const int dim = 96, heads = 4;
  const std::int64_t count = 150;
  const auto rows = randoms(static_cast<std::size_t>(count * dim), 2), weights = randoms(static_cast<std::size_t>(heads * count), 3);
  std::vector<float> whole(static_cast<std::size_t>(heads * dim)), sliced = whole;
  axpyRowsGroup(weights.data(), count, heads, rows.data(), count, dim, whole.data(), dim);
  for (int begin = 0; begin < dim; begin += 32) axpyRowsSlice(weights.data(), count, heads, rows.data() + begin, dim, count, 32, sliced.data() + begin, dim);
  EXPECT_EQ(whole, sliced);
}

INSTANTIATE_TEST_SUITE_P(Isa, AttentionTest, testing::ValuesIn(availableIsas()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace ts
