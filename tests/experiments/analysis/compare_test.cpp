// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "experiments/analysis/paired.h"

namespace ts {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

RunRecord done() {
  RunRecord run;
  run.state = RunState::Done;
  run.task = "t";
  run.dataFingerprint = "d";
  return run;
}

const MetricDifference& of(const Comparison& comparison, const std::string& metric) {
  for (const MetricDifference& d : comparison.metrics)
    if (d.metric == metric) return d;
  throw std::out_of_range(metric);
}

// Reference values: scipy.stats.binomtest(1, 11).pvalue, scipy.stats.ttest_1samp.
TEST(Paired, McNemarIsExact) {
  EXPECT_NEAR(mcnemar(10, 1, 100).p, 0.01171875, 1e-12);
  EXPECT_DOUBLE_EQ(mcnemar(10, 1, 100).value, -0.09);
  EXPECT_DOUBLE_EQ(mcnemar(0, 0, 5).p, 1);
  EXPECT_DOUBLE_EQ(mcnemar(3, 3, 50).p, 1);
}

// Bonett and Price, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on Paired Data",
// J. Educ. Behav. Stat. 37 (2012): (b + 1, c + 1) of n + 2.
TEST(Paired, AgreementOfFewItemsIsNoCertainty) {
  const Estimate none = mcnemar(0, 0, 20);
  EXPECT_NEAR(none.low, -1.959964 * std::sqrt(2.0 / 22 / 22), 1e-6);
  EXPECT_NEAR(none.high, -none.low, 1e-12);
  const Estimate some = mcnemar(10, 1, 100);
  EXPECT_NEAR(some.low, -9.0 / 102 - 1.959964 * std::sqrt((13.0 / 102 - 81.0 / 102 / 102) / 102), 1e-6);
  EXPECT_LT(some.high, 0);
}

TEST(Paired, TTestMatchesTheTextbook) {
  const Estimate e = pairedT({0.3, 0.1, 0.4, 0.2, 0.5});
  EXPECT_NEAR(e.value, 0.3, 1e-12);
  EXPECT_NEAR(e.stderr_, 0.0707106781, 1e-9);
  EXPECT_NEAR(e.p, 0.0132356, 1e-6);
  EXPECT_NEAR(e.low, 0.3 - 2.7764451 * 0.0707106781, 1e-6);
}

TEST(Paired, BootstrapAgreesWithTheTTestOnManyItems) {
  std::vector<double> differences, weights;
  for (int i = 0; i < 200; ++i) {
    differences.push_back(std::sin(i) + 0.1);
    weights.push_back(1 + i % 3);
  }
  const Estimate t = pairedRatio(differences, weights), b = pairedBootstrap(differences, weights);
  EXPECT_DOUBLE_EQ(t.value, b.value);
  EXPECT_NEAR(b.stderr_, t.stderr_, 0.1 * t.stderr_);
  EXPECT_NEAR(b.p, t.p, 0.03);
  EXPECT_EQ(b.p, pairedBootstrap(differences, weights).p) << "repeatable";
}

TEST(Paired, EqualItemsAreNoDifference) {
  EXPECT_EQ(pairedT({0, 0, 0}).p, 1);
  EXPECT_EQ(pairedT({1, 1, 1}).p, 0.25) << "three of one sign: no more than that is known";
  EXPECT_EQ(independent(1, 0, 1, 0).p, 1);
}

TEST(Compare, SaysInPlainWordsWhatChanged) {
  RunRecord a = done(), b = done();
  a.settings = {{"weights", ""}, {"kv", "q8"}};
  b.settings = {{"weights", "q4"}, {"kv", "q8"}, {"weights.q4.group", "32"}};
  std::vector<SampleRecord> ofA, ofB;
  for (int item = 0; item < 100; ++item) {
    ofA.push_back({item, {{"correct", item < 60}}});
    ofB.push_back({item, {{"correct", item < 50 || item == 99}}});
  }
  a.metrics = {{"acc", {0.60, 0.05, 100}}, {"bytes_weights", {40e6, {}, {}}}, {"decode_tokens_per_s", {50, 1, 5}}};
  b.metrics = {{"acc", {0.51, 0.05, 100}}, {"bytes_weights", {10e6, {}, {}}}, {"decode_tokens_per_s", {80, 1, 5}}};
  const Comparison comparison = compareRuns(a, b, ofA, ofB);
  EXPECT_THAT(comparison.warnings, IsEmpty());
  ASSERT_THAT(comparison.differs, SizeIs(2));
  EXPECT_EQ(comparison.differs[1].name, "weights.q4.group");
  EXPECT_EQ(comparison.differs[1].a, "");

  const auto& acc = of(comparison, "acc");
  EXPECT_EQ(acc.method, "McNemar (exact)");
  EXPECT_EQ(acc.n, 100);
  EXPECT_TRUE(acc.worse);
  EXPECT_EQ(acc.sentence, "Accuracy: B loses 9 ± 3.19 points; real at 95 %");
  EXPECT_EQ(of(comparison, "bytes_weights").sentence, "Weights: B takes less, by 30 MB (−75 %), which is better");
  EXPECT_THAT(of(comparison, "decode_tokens_per_s").sentence,
              AllOf(HasSubstr("is higher by 30 ± 1.414 tokens/s"), HasSubstr("99.9 %")));
  EXPECT_EQ(of(comparison, "decode_tokens_per_s").method, "independent");
}

TEST(Compare, PairsPerplexityChunkByChunk) {
  RunRecord a = done(), b = done();
  std::vector<SampleRecord> ofA, ofB;
  double nllA = 0, nllB = 0;
  for (int item = 0; item < 12; ++item) {
    const double hard = 400 + 100 * std::sin(item), extra = 2 + 0.5 * std::cos(item);
    ofA.push_back({item, {{"nll", hard}, {"tokens", 255}, {"bytes", 1000}}});
    ofB.push_back({item, {{"nll", hard + extra}, {"tokens", 255}, {"bytes", 1000}}});
    nllA += hard;
    nllB += hard + extra;
  }
  a.metrics = {{"perplexity", {std::exp(nllA / (12 * 255)), 0.6, 12 * 255}},
               {"bits_per_byte", {nllA / 12000 / std::log(2.0), 0.1, 12}}};
  b.metrics = {{"perplexity", {std::exp(nllB / (12 * 255)), 0.6, 12 * 255}},
               {"bits_per_byte", {nllB / 12000 / std::log(2.0), 0.1, 12}}};
  const Comparison comparison = compareRuns(a, b, ofA, ofB);
  const auto& ppl = of(comparison, "perplexity");
  EXPECT_EQ(ppl.method, "paired t");
  EXPECT_LT(*ppl.p, 1e-6) << "a difference far below each run's own error is still seen";
  EXPECT_LT(*ppl.low, ppl.difference);
  EXPECT_GT(*ppl.high, ppl.difference);
  EXPECT_GT(*ppl.low, 0);
  const auto& bits = of(comparison, "bits_per_byte");
  EXPECT_NEAR(bits.difference, (*bits.low + *bits.high) / 2, 1e-9);
}

TEST(Compare, WarnsWhenRunsAreNotComparable) {
  RunRecord a = done(), b = done();
  b.host.cpu = "other";
  b.dataFingerprint = "e";
  b.engineVersion = "2";
  b.noisy = true;
  b.state = RunState::Cancelled;
  a.metrics = b.metrics = {{"acc", {0.5, {}, {}}}};
  const Comparison comparison = compareRuns(a, b, {{0, {{"correct", 1}}}}, {{1, {{"correct", 1}}}});
  EXPECT_THAT(comparison.warnings, SizeIs(6));
  EXPECT_EQ(of(comparison, "acc").sentence, "Accuracy: no difference");
}

TEST(Compare, OtherDataAreNotPaired) {
  RunRecord a = done(), b = done();
  b.dataFingerprint = "e";
  a.metrics = {{"acc", {0.5, 0.1, 10}}};
  b.metrics = {{"acc", {0.6, 0.1, 10}}};
  EXPECT_EQ(of(compareRuns(a, b, {{0, {{"correct", 1}}}}, {{0, {{"correct", 0}}}}), "acc").method, "independent");
}

TEST(Compare, ItemsThatATaskMakesAreTheSameOnlyForTheSameSeedAndNumber) {
  RunRecord a = done(), b = done();
  b.seed = 7;
  EXPECT_TRUE(sameItems(a, b)) << "given data do not depend on the seed";
  a.task = b.task = "passkey";
  EXPECT_FALSE(sameItems(a, b));
  b.seed = a.seed;
  EXPECT_TRUE(sameItems(a, b));
  b.settings["task.limit"] = "5";
  EXPECT_FALSE(sameItems(a, b));
}

TEST(Compare, DivergencesOfOneModelArePairedByItem) {
  RunRecord a = done(), b = done();
  std::vector<SampleRecord> ofA, ofB;
  double sumA = 0, sumB = 0;
  for (int item = 0; item < 40; ++item) {
    const double hard = 10 + 8 * std::sin(item), extra = 0.3 + 0.1 * std::cos(item);
    ofA.push_back({item, {{"kl.sum", hard}, {"kl.positions", 100}, {"kl.same_top", 90}, {"kl.delta_p", -1}}});
    ofB.push_back({item, {{"kl.sum", hard + extra}, {"kl.positions", 100}, {"kl.same_top", 90.0 - item % 2}, {"kl.delta_p", -1}}});
    sumA += hard, sumB += hard + extra;
  }
  a.metrics = {{"kl_mean", {sumA / 4000, 0.01, 4000}}, {"same_top", {0.9, 0.01, 4000}}};
  b.metrics = {{"kl_mean", {sumB / 4000, 0.01, 4000}}, {"same_top", {0.895, 0.01, 4000}}};
  const Comparison same = compareRuns(a, b, ofA, ofB);
  EXPECT_EQ(of(same, "kl_mean").method, "paired bootstrap");
  EXPECT_LT(*of(same, "kl_mean").p, 0.001) << "far below each run's own error, and still seen";
  EXPECT_GT(*of(same, "kl_mean").low, 0);
  EXPECT_LT(*of(same, "kl_mean").low, of(same, "kl_mean").difference);
  EXPECT_EQ(of(same, "same_top").n, 40);
  b.model.fingerprint = "another";
  EXPECT_EQ(of(compareRuns(a, b, ofA, ofB), "kl_mean").method, "independent") << "from another dense model";
}

TEST(Compare, AnswersAndSingleWordsArePairedToo) {
  RunRecord a = done(), b = done();
  std::vector<SampleRecord> ofA, ofB;
  double correctA = 0, correctB = 0, tokensA = 0, tokensB = 0, llA = 0, llB = 0;
  for (int item = 0; item < 60; ++item) {
    const double c = item % 3 == 0, d = item % 3 == 0 && item % 4 != 0, t = 50 + item % 7, u = t + 5 + item % 2, l = -2 - std::abs(std::sin(item)), m = l - 0.01 * (1 + item % 2);
    ofA.push_back({item, {{"correct", c}, {"tokens", t}, {"ll0", l}}});
    ofB.push_back({item, {{"correct", d}, {"tokens", u}, {"ll0", m}}});
    correctA += c, correctB += d, tokensA += t, tokensB += u, llA += l, llB += m;
  }
  const auto e3 = [](double c, double t) { return std::pow(100 * c / 60, 2) / (t / 60); };
  a.metrics = {{"e3", {e3(correctA, tokensA), 3, 60}}, {"tokens_per_item", {tokensA / 60, 1, 60}}, {"perplexity", {std::exp(-llA / 60), 1, 60}}};
  b.metrics = {{"e3", {e3(correctB, tokensB), 3, 60}}, {"tokens_per_item", {tokensB / 60, 1, 60}}, {"perplexity", {std::exp(-llB / 60), 1, 60}}};
  const Comparison c = compareRuns(a, b, ofA, ofB);
  EXPECT_EQ(of(c, "tokens_per_item").method, "paired t");
  EXPECT_LT(*of(c, "tokens_per_item").p, 1e-6);
  EXPECT_EQ(of(c, "e3").method, "paired t");
  EXPECT_NEAR((*of(c, "e3").low + *of(c, "e3").high) / 2, of(c, "e3").difference, 1e-9) << "linearized about the metric itself";
  EXPECT_EQ(of(c, "perplexity").method, "paired bootstrap");
  EXPECT_LT(*of(c, "perplexity").p, 0.001);
  EXPECT_GT(*of(c, "perplexity").low, 0);
}

}  // namespace
}  // namespace ts
