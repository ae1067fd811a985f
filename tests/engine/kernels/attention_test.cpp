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

Rows rowsOf(std::vector<float>& v, std::int64_t count) {
  const auto width = static_cast<std::int64_t>(v.size()) / count;
  return {v.data(), count, width, width};
}

/// Keys in panels and values as rows of one kind, and what they are exactly.
template <class T>
struct Lists {
  std::vector<T> panels, rows;
  std::vector<float> exact;
};
Lists<float> floats(std::int64_t count, int dim) {
  Lists<float> all;
  all.exact = all.rows = randoms(static_cast<std::size_t>(count * dim), 2);
  all.panels.resize(static_cast<std::size_t>(keyPanels(count) * kKeyPanel * dim), NAN);
  toKeyPanels({all.rows.data(), count, dim, dim}, all.panels.data());
  return all;
}
Lists<std::uint16_t> halves(std::int64_t count, int dim) {
  const Lists<float> from = floats(count, dim);
  Lists<std::uint16_t> all;
  for (const float x : from.panels) all.panels.push_back(halfOfFloat(x));
  for (const float x : from.rows) all.rows.push_back(halfOfFloat(x)), all.exact.push_back(floatOfHalf(all.rows.back()));
  return all;
}

template <class T>
void checkRows(const Lists<T>& lists, int queries, std::int64_t count, int dim) {
  auto q = randoms(static_cast<std::size_t>(queries * dim), 3);
  std::vector<float> scores(static_cast<std::size_t>(queries * count));
  scoreKeys(rowsOf(q, queries), lists.panels.data(), {0, count}, rowsOf(scores, queries));
  std::vector<float> memory(q.size()), laid(scores.size());
  scoreKeys(rowsOf(q, queries), lists.panels.data(), {0, count}, rowsOf(laid, queries), layQueries(rowsOf(q, queries), memory.data()));
  const auto start = randoms(static_cast<std::size_t>(queries * dim), 4);
  auto out = start;
  addValues(rowsOf(scores, queries), lists.rows.data(), rowsOf(out, queries));
  for (int i = 0; i < queries; ++i) {
    const float* score = scores.data() + i * count;
    for (std::int64_t r = 0; r < count; ++r) {
      double want = 0;
      for (int c = 0; c < dim; ++c) want += double(q[static_cast<std::size_t>(i * dim + c)]) * lists.exact[static_cast<std::size_t>(r * dim + c)];
      EXPECT_NEAR(score[r], want, 1e-4);
      float alone;
      scoreKeys({q.data() + i * dim, 1, dim, dim}, lists.panels.data(), {r, r + 1}, {&alone, 1, 1, 1});
      EXPECT_EQ(score[r], alone) << "a score does not depend on the rows and queries beside it";
      EXPECT_EQ(score[r], laid[static_cast<std::size_t>(i * count + r)]) << "nor on how the queries lie";
    }
    std::vector<float> byOne(start.begin() + i * dim, start.begin() + (i + 1) * dim);
    for (std::int64_t r = 0; r < count; ++r) addValues({score + r, 1, 1, 1}, lists.rows.data() + r * dim, {byOne.data(), 1, dim, dim});
    for (int c = 0; c < dim; ++c) {
      double want = start[static_cast<std::size_t>(i * dim + c)], magnitude = 1;
      for (std::int64_t r = 0; r < count; ++r) {
        const double term = double(score[r]) * lists.exact[static_cast<std::size_t>(r * dim + c)];
        want += term, magnitude += std::fabs(term);
      }
      EXPECT_NEAR(out[static_cast<std::size_t>(i * dim + c)], want, 1e-6 * magnitude);
      EXPECT_EQ(out[static_cast<std::size_t>(i * dim + c)], byOne[static_cast<std::size_t>(c)]) << "rows one by one give the bits of all at once";
    }
  }
}

TEST_P(AttentionTest, RowsAgainstAPlainLoopAndAgainstThemselves) {
  for (const int dim : {4, 8, 20, 33, 64, 96, 128})
    for (const std::int64_t count : {1, 2, 7, 16, 33, 130})
      for (const int queries : {1, 2, 3, 4, 5, 7, 8, 9, 13, 17, 24, 29}) {
        checkRows(floats(count, dim), queries, count, dim);
        checkRows(halves(count, dim), queries, count, dim);
      }
}

TEST_P(AttentionTest, ManyRowsAndWideOnes) {
  for (const auto& [dim, count] : {std::pair{16, 600}, {200, 40}})  // more than are taken at a time, more than vectors
    for (const int queries : {1, 3, 4, 13}) {
      checkRows(floats(count, dim), queries, count, dim);
      checkRows(halves(count, dim), queries, count, dim);
    }
}

TEST_P(AttentionTest, RowsMayLieApart) {
  constexpr std::int64_t kCount = 50, kDim = 40, kApart = 7;
  const Lists<float> lists = floats(kCount, kDim);
  for (const std::int64_t queries : {1, 3, 4, 9}) {
    const auto apart = [&](std::int64_t width) { return randoms(static_cast<std::size_t>(queries * (width + kApart)), 5); };
    const auto rows = [&](auto& v, std::int64_t width) { return Rows{v.data(), queries, width, width + kApart}; };
    auto q = apart(kDim), scores = apart(kCount), out = apart(kDim);
    const auto scoresBefore = scores, outBefore = out;
    scoreKeys(rows(q, kDim), lists.panels.data(), {0, kCount}, rows(scores, kCount));
    addValues(rows(scores, kCount), lists.rows.data(), rows(out, kDim));
    for (std::int64_t i = 0; i < queries; ++i) {
      std::vector<float> score(kCount), sum(outBefore.begin() + i * (kDim + kApart), outBefore.begin() + i * (kDim + kApart) + kDim);
      scoreKeys({q.data() + i * (kDim + kApart), 1, kDim, kDim}, lists.panels.data(), {0, kCount}, {score.data(), 1, kCount, kCount});
      addValues({score.data(), 1, kCount, kCount}, lists.rows.data(), {sum.data(), 1, kDim, kDim});
      for (std::int64_t c = 0; c < kCount; ++c) ASSERT_EQ(rows(scores, kCount).row(i)[c], score[static_cast<std::size_t>(c)]);
      for (std::int64_t c = 0; c < kDim; ++c) ASSERT_EQ(rows(out, kDim).row(i)[c], sum[static_cast<std::size_t>(c)]);
      for (std::int64_t c = 0; c < kApart; ++c) {
        ASSERT_EQ(rows(scores, kCount).row(i)[kCount + c], scoresBefore[static_cast<std::size_t>(i * (kCount + kApart) + kCount + c)]) << "what lies between stays";
        ASSERT_EQ(rows(out, kDim).row(i)[kDim + c], outBefore[static_cast<std::size_t>(i * (kDim + kApart) + kDim + c)]);
      }
    }
  }
}

template <class T>
void checkMiddles(const Lists<T>& lists, int dim) {
  for (const int queries : {1, 2, 3, 4, 8, 15, 24}) {
    auto q = randoms(static_cast<std::size_t>(queries * dim), 3);
    std::vector<float> all(static_cast<std::size_t>(queries * 100));
    scoreKeys(rowsOf(q, queries), lists.panels.data(), {0, 100}, rowsOf(all, queries));
    for (const Range range : {Range{5, 61}, Range{15, 17}, Range{16, 48}, Range{31, 100}, Range{7, 71}, Range{40, 43}}) {
      std::vector<float> some(static_cast<std::size_t>(queries * range.size()), NAN);
      scoreKeys(rowsOf(q, queries), lists.panels.data(), range, rowsOf(some, queries));
      for (int i = 0; i < queries; ++i)
        for (std::int64_t r = range.begin; r < range.end; ++r)
          ASSERT_EQ(some[static_cast<std::size_t>(i * range.size() + r - range.begin)], all[static_cast<std::size_t>(i * 100 + r)]) << dim << " " << queries;
    }
  }
}

TEST_P(AttentionTest, RowsFromTheMiddleOfAPanelScoreAsInTheWhole) {
  for (const int dim : {20, 64, 288}) checkMiddles(floats(100, dim), dim), checkMiddles(halves(100, dim), dim);  // the last: more than the kernel lays side by side
}

TEST_P(AttentionTest, PanelsHoldRowsSixteenAtATimeAndZerosBehindTheLast) {
  for (const int dim : {4, 12, 33})
    for (const std::int64_t count : {1, 5, 8, 11, 16, 27}) {
      const Lists<float> lists = floats(count, dim);
      for (std::int64_t r = 0; r < keyPanels(count) * kKeyPanel; ++r)
        for (int c = 0; c < dim; ++c)
          EXPECT_EQ(lists.panels[static_cast<std::size_t>((r / kKeyPanel * dim + c) * kKeyPanel + r % kKeyPanel)],
                    r < count ? lists.rows[static_cast<std::size_t>(r * dim + c)] : 0.0f);
    }
}

INSTANTIATE_TEST_SUITE_P(Isa, AttentionTest, testing::ValuesIn(availableIsas()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace ts
