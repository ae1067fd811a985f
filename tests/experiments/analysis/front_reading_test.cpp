// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/front_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ts {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A run with perplexity e^nll over 40 items, each `nll` plus its own noise, and a speed.
RunRecord run(std::int64_t id, const std::string& weights, double perplexity, double speed) {
  RunRecord r;
  r.id = id;
  r.state = RunState::Done;
  r.task = "wikitext2";
  if (!weights.empty()) r.settings["weights"] = weights;
  r.metrics = {{"perplexity", {perplexity, 0.5, 40}}, {"decode_tokens_per_s", {speed, 2.0, 5}}};
  return r;
}

std::vector<SampleRecord> samplesAround(double nll, double scatter) {
  std::vector<SampleRecord> samples;
  for (int i = 0; i < 40; ++i)
    samples.push_back({i, {{"nll", 10 * (nll + 0.3 * (i % 7)) + scatter * ((i * 37) % 11 - 5)}, {"tokens", 10}}});
  return samples;
}

TEST(Holm, IsTheTextbooksExample) {
  // Holm 1979: ordered p times m, m - 1 ...; never smaller than the one before, never above 1.
  EXPECT_THAT(holm({0.01, 0.04, 0.03, 0.005}), ElementsAre(DoubleNear(0.03, 1e-12), DoubleNear(0.06, 1e-12),
                                                           DoubleNear(0.06, 1e-12), DoubleNear(0.02, 1e-12)));
  EXPECT_THAT(holm({0.9, 0.8}), ElementsAre(1, 1));
  EXPECT_THAT(holm({}), IsEmpty());
}

TEST(FrontReading, TellsRealStepsFromChance) {
  const std::vector<RunRecord> runs{run(1, "", 30, 100), run(2, "q8", 30.01, 150), run(3, "q4", 34, 151), run(4, "lord", 40, 90)};
  const Front front = paretoFront(runs, "decode_tokens_per_s", "perplexity");
  ASSERT_THAT(front.front, SizeIs(3));
  const auto samples = [](std::int64_t id) {
    return id == 1 ? samplesAround(3.4, 0) : id == 2 ? samplesAround(3.4003, 0.4) : samplesAround(3.53, 0.01);
  };
  const FrontReading reading = readFront(front, runs, "decode_tokens_per_s", "perplexity", samples);
  // 1-2 and 2-3 as neighbours, 1-3 with the baseline (1-2 is one of both), on two axes each
  ASSERT_THAT(reading.tests, SizeIs(6));
  EXPECT_EQ(reading.method, "Holm's correction over 6 comparisons");
  std::map<std::string, bool> real;
  for (const FrontTest& t : reading.tests) {
    EXPECT_GE(t.corrected, t.p);
    real[std::to_string(t.a) + "-" + std::to_string(t.b) + " " + t.metric] = t.corrected < 0.05;
  }
  EXPECT_FALSE(real.at("1-2 perplexity"));
  EXPECT_TRUE(real.at("1-2 decode_tokens_per_s"));
  EXPECT_TRUE(real.at("2-3 perplexity"));
  EXPECT_FALSE(real.at("2-3 decode_tokens_per_s")) << "151 against 150, both ± 2";
  EXPECT_TRUE(real.at("1-3 perplexity"));
  EXPECT_THAT(reading.sentences, SizeIs(2));
  EXPECT_THAT(reading.sentences[0], HasSubstr("paired bootstrap"));
}

TEST(FrontReading, SizesAreExactAndNotTested) {
  std::vector<RunRecord> runs{run(1, "", 30, 100), run(2, "q8", 31, 150)};
  for (RunRecord& r : runs) r.metrics["bytes_total"] = {r.id == 1 ? 100.0 : 50.0, {}, {}};
  const Front front = paretoFront(runs, "bytes_total", "bytes_total");
  EXPECT_THAT(readFront(front, runs, "bytes_total", "bytes_total", [](std::int64_t) { return std::vector<SampleRecord>(); }).method, IsEmpty());
}

TEST(Comparable, SaysWhyRunsDoNotBelongOnOneFront) {
  std::vector<RunRecord> runs{run(1, "", 30, 100), run(2, "q8", 31, 150)};
  EXPECT_THAT(notComparable(runs), IsEmpty());
  runs[1].host.cpu = "another";
  runs[1].engineVersion = "2";
  runs[1].dataFingerprint = "other";
  EXPECT_THAT(notComparable(runs), ElementsAre(HasSubstr("machine"), HasSubstr("data"), HasSubstr("engine")));
  runs[1] = run(2, "q8", 31, 150);
  runs[0].provenance["threads"] = "2";
  runs[1].provenance["threads"] = "4";
  runs[1].seed = 3;
  EXPECT_THAT(notComparable(runs), ElementsAre(HasSubstr("seed"), HasSubstr("threads")));
  runs[1].state = RunState::Failed;
  EXPECT_THAT(notComparable(runs), IsEmpty()) << "what has no numbers disturbs none";
}

TEST(Comparable, NoiseIsToldWhereSpeedIsLookedAt) {
  std::vector<RunRecord> runs{run(1, "", 30, 100), run(2, "q8", 31, 150), run(3, "q4", 32, 170)};
  EXPECT_EQ(noisyAmong(runs, "decode_tokens_per_s", "perplexity"), "");
  runs[1].noisy = true;
  EXPECT_THAT(noisyAmong(runs, "perplexity", "ttft_ms"), HasSubstr("run 2 was timed while the machine was noisy"));
  runs[2].noisy = true;
  EXPECT_THAT(noisyAmong(runs, "decode_tokens_per_s", "perplexity"), HasSubstr("runs 2, 3 were"));
  EXPECT_EQ(noisyAmong(runs, "bytes_total", "perplexity"), "");
}

}  // namespace
}  // namespace ts
