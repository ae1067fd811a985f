// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/analysis/compare.h"

namespace ts {
namespace {

SampleRecord choice(std::int64_t item, double answer, double gold) {
  return {item, {{"answer", answer}, {"gold", gold}, {"correct", answer == gold ? 1.0 : 0.0}}};
}
SampleRecord chunk(std::int64_t item, double nll, double bytes = 400) {
  return {item, {{"nll", nll}, {"tokens", 100}, {"bytes", bytes}}};
}

TEST(Disagreement, OfChoicesTellsWhoWasRightWhere) {
  const std::vector<SampleRecord> a{choice(0, 1, 1), choice(1, 0, 2), choice(2, 3, 3), choice(3, 0, 0), choice(8, 1, 1)};
  const std::vector<SampleRecord> b{choice(0, 1, 1), choice(1, 1, 2), choice(2, 0, 3), choice(3, 1, 0), choice(9, 1, 1)};
  const Disagreement d = disagreement(a, b, false);
  EXPECT_EQ(d.items, 4);
  EXPECT_EQ(d.onlyA, 2);
  EXPECT_EQ(d.onlyB, 0);
  EXPECT_EQ(d.otherAnswer, 1);
  ASSERT_EQ(d.differ.size(), 3u);
  EXPECT_EQ(d.differ[0].item, 2);
  EXPECT_EQ(d.differ[0].answerB, 0);
  EXPECT_EQ(d.differ[1].item, 3);
  EXPECT_EQ(d.differ[2].item, 1) << "both wrong: after those that decide";
}

TEST(Disagreement, OfTextsBeginsWithTheLargest) {
  const Disagreement d = disagreement({chunk(0, 300), chunk(1, 300), chunk(2, 310)}, {chunk(0, 301), chunk(1, 350), chunk(2, 300)}, true);
  EXPECT_EQ(d.value, "nll");
  EXPECT_EQ(d.onlyA, 2);
  EXPECT_EQ(d.onlyB, 1);
  EXPECT_EQ(d.differ[0].item, 1);
  EXPECT_DOUBLE_EQ(d.differ[0].b, 3.5);
}

TEST(Disagreement, OfNothingIsNone) { EXPECT_EQ(disagreement({}, {chunk(0, 1)}, false).items, 0); }

RunRecord run(const std::string& model, double acc) {
  RunRecord r;
  r.state = RunState::Done;
  r.task = "t";
  r.dataFingerprint = "d";
  r.model.fingerprint = model;
  r.metrics = {{"acc", {acc, 0.1, 5}}, {"perplexity", {20 + acc, 0.1, 5}}};
  return r;
}

// "Is this 4-bit file worse than that one?": two models, the same questions.
TEST(Compare, TwoFilesAreComparedItemByItemWhereTheyScoredTheSame) {
  std::vector<SampleRecord> a, b, other;
  for (int i = 0; i < 40; ++i) {
    a.push_back(chunk(i, 300 + i % 7));
    b.push_back(chunk(i, 301 + i % 5));
    other.push_back(chunk(i, 301 + i % 5, 380));
    for (auto* list : {&a, &b, &other}) list->back().values["correct"] = (i + (list == &a)) % 3 == 0;
  }
  const auto method = [](const Comparison& c, const std::string& metric) {
    for (const MetricDifference& m : c.metrics)
      if (m.metric == metric) return m.method;
    return std::string();
  };
  const Comparison same = compareRuns(run("f", 0.3), run("g", 0.4), a, b);
  EXPECT_EQ(method(same, "acc"), "McNemar (exact)");
  EXPECT_EQ(method(same, "perplexity"), "paired bootstrap");
  const Comparison tokenizer = compareRuns(run("f", 0.3), run("g", 0.4), a, other);
  EXPECT_EQ(method(tokenizer, "acc"), "McNemar (exact)");
  EXPECT_EQ(method(tokenizer, "perplexity"), "independent") << "another tokenizer's chunks are other stretches of text";
}

}  // namespace
}  // namespace ts
