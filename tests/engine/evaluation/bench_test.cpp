// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include "engine/core/resources.h"
#include "engine/evaluation/evaluate.h"
#include "engine/evaluation/machine.h"

namespace ts {
namespace {

ThreadPool& pool() {
  static ThreadPool instance(1);
  return instance;
}

std::shared_ptr<const Model> embedded(const char* name) {
  const auto checkpoint = openCheckpoint(resourceFolder() / "models" / name);
  if (!checkpoint) throw std::runtime_error(checkpoint.error().message);
  return *buildModel(*checkpoint, pool());
}

TEST(Bench, MeasuresTheEmbeddedDraft) {
  const BenchOptions options{.prompt = 16, .generate = 8, .depth = 4, .repetitions = 3, .warmup = 1};
  int steps = 0;
  std::int64_t all = 0;
  EvaluationHooks hooks;
  hooks.progress = [&](std::int64_t done, std::int64_t total) {
    ++steps;
    EXPECT_EQ(done, steps);
    EXPECT_GE(total, 4);
    all = total;
  };
  const auto result = bench(embedded("ts-2m-draft"), {}, options, pool(), hooks);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->decodeTokensPerSecond.samples.size(), 3u);
  EXPECT_LE(result->decodeTokensPerSecond.low, result->decodeTokensPerSecond.median);
  EXPECT_GE(result->decodeTokensPerSecond.high, result->decodeTokensPerSecond.median);
  EXPECT_GT(result->prefillTokensPerSecond.median, 0);
  EXPECT_GT(result->ttftMs.median, 0);
  EXPECT_GT(result->itlP99Ms, 0);
  EXPECT_GE(result->itlP99Ms, result->itlP50Ms);
  EXPECT_GT(result->readBandwidthGBs, 0.1);
  EXPECT_GT(result->bandwidthUsed, 0);
  for (const double ns : result->roundTripsNs) EXPECT_GT(ns, 1);
  EXPECT_GT(result->memory.weights, 1'000'000u);
  EXPECT_GT(result->memory.kv, 0u);
  EXPECT_TRUE(result->operations.contains("linear"));
  EXPECT_EQ(steps, all);
  EXPECT_EQ(steps, 3 + result->warmups);
  EXPECT_GE(result->warmups, 2) << "until two take the same time";
  EXPECT_EQ(result->tokensPerStep, 1);
  EXPECT_NEAR(result->decodeTokensPerSecond.confidence, 0.75, 1e-12);
}

TEST(Bench, CancelledAtItsLastStepSaysSo) {
  std::stop_source source;
  const BenchOptions options{.prompt = 16, .generate = 8, .repetitions = 1, .warmup = 0};
  EvaluationHooks hooks;
  hooks.stop = source.get_token();
  hooks.progress = [&](std::int64_t done, std::int64_t) {
    if (done == 1) source.request_stop();  // the bandwidth that is measured now is worth nothing
  };
  const auto result = bench(embedded("ts-2m-draft"), {}, options, pool(), hooks);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Cancelled);
}

TEST(Bench, RefusesWhatCannotBeMeasured) {
  const auto model = embedded("ts-2m-draft");
  EXPECT_EQ(bench(model, {}, {.prompt = 0}, pool()).error().where, "--prompt");
  EXPECT_EQ(bench(model, {}, {.generate = 0}, pool()).error().where, "--generate");
  const auto beyond = bench(model, {}, {.prompt = 1020, .generate = 64, .repetitions = 1, .warmup = 0}, pool());
  ASSERT_FALSE(beyond);
  EXPECT_NE(beyond.error().message.find("context"), std::string::npos) << beyond.error().message;
}

TEST(Bench, OneTokenHasAFirstTokenButNoDecodeSpeed) {
  const auto result = bench(embedded("ts-2m-draft"), {}, {.prompt = 8, .generate = 1, .repetitions = 1, .warmup = 0}, pool());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->ttftMs.median, 0);
  EXPECT_TRUE(result->decodeTokensPerSecond.samples.empty());
  EXPECT_EQ(result->warmups, 0);
}

TEST(Bench, RepeatsUntilTheIntervalIsNarrowOrTheLimitIsReached) {
  const auto model = embedded("ts-2m-draft");
  BenchOptions options{.prompt = 8, .generate = 4, .repetitions = 2, .interval = 1e-9, .maximumRepetitions = 9, .warmup = 0};
  EXPECT_EQ(bench(model, {}, options, pool())->ttftMs.samples.size(), 9u) << "nothing is that narrow";
  options.interval = 1;
  options.maximumRepetitions = 100;
  const auto wide = bench(model, {}, options, pool());
  EXPECT_GE(wide->decodeTokensPerSecond.samples.size(), 6u) << "fewer never say 95 %";
  EXPECT_GE(wide->decodeTokensPerSecond.confidence, 0.95);
}

TEST(Bench, MeasuresSpeedsAtSeveralDepths) {
  const auto result = bench(embedded("ts-2m-draft"), {}, {.prompt = 8, .generate = 4, .moreDepths = {0, 64}, .repetitions = 2, .warmup = 0}, pool());
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->atDepths.size(), 2u);
  EXPECT_EQ(result->atDepths[1].depth, 64);
  EXPECT_GT(result->atDepths[1].decodeTokensPerSecond.median, 0);
  EXPECT_EQ(result->atDepths[1].prefillTokensPerSecond.samples.size(), 2u);
}

TEST(Machine, TellsItsPeakMemory) {
  if (peakMemory() == 0) GTEST_SKIP() << "no /proc/self/status";
  const bool reset = resetPeakMemory();
  const std::uint64_t before = peakMemory();
  std::vector<char> block(64 << 20, 1);
  EXPECT_GE(peakMemory() + (reset ? 0 : (64u << 20)), before + (60u << 20)) << block[12345];
  EXPECT_GT(probeMachine(pool()), 0);
}

}  // namespace
}  // namespace ts
