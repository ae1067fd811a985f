// SPDX-License-Identifier: GPL-3.0-or-later
// What a run will need is foretold kind by kind; the ledger then counts about the same.
#include "engine/evaluation/forecast.h"

#include <gtest/gtest.h>

#include "engine/core/model_path.h"
#include "engine/evaluation/evaluate.h"
#include "engine/model/lanes.h"
#include "engine/transforms/transform.h"

namespace ts {
namespace {

StrategySpec spec(const char* text) { return *parseStrategy(text, "test"); }

TEST(Forecast, IsWhatTheLedgerCounts) {
  ThreadPool pool(2);
  const auto checkpoint = openCheckpoint(*modelPath("embedded:ts-2m-draft"));
  ASSERT_TRUE(checkpoint);
  const auto model = *buildModel(*checkpoint, pool);
  EXPECT_NEAR(static_cast<double>(packedBytes(*checkpoint)) / static_cast<double>(model->weightBytes()), 1, 0.02);
  TransformContext context{.pool = pool};
  const auto bytes = prepare(model, {spec("q8")}, context);
  ASSERT_TRUE(bytes) << bytes.error().message;
  std::vector<Plan> plans(5);
  plans[1].kv = {spec("q8")};
  plans[2].kv = {spec("window:sinks=4,recent=64")};
  plans[3].decode = spec("speculative:drafter=model,length=3");
  plans[4].activations = Activations::Q8;
  const auto check = [&](const std::shared_ptr<const Model>& model, const Plan& plan, ThreadPool& pool) {
    const BenchOptions options{.prompt = 96, .generate = 32, .depth = 100, .repetitions = 1, .warmup = 0, .bandwidth = false};
    const auto result = bench(model, plan, options, pool);
    ASSERT_TRUE(result) << result.error().message;
    const auto forecast = forecastRun(model->config, model->weightBytes(), plan, 228, 100, pool.size());
    ASSERT_TRUE(forecast) << forecast.error().message;
    const auto near = [&](std::uint64_t foretold, std::uint64_t counted, double tolerance, const char* kind) {
      EXPECT_NEAR(static_cast<double>(foretold), static_cast<double>(counted), tolerance * static_cast<double>(counted) + 1)
          << kind << " under " << commandLine(plan);
    };
    near(forecast->use.weights, result->memory.weights, 0, "weights");
    near(forecast->use.kv, result->memory.kv, 0.35, "kv");
    near(forecast->use.scratch, result->memory.scratch, 0.25, "scratch");
    near(forecast->use.draft, result->memory.draft, 0.1, "draft");
    near(forecast->use.total(), result->memory.total(), 0.05, "all");
  };
  for (const Plan& plan : plans) check(model, plan, pool);
  ThreadPool alone(1);
  check(bytes->model, plans[4], alone);  // a prompt's rows go in lanes, of which one of several may have been idle
}

TEST(Forecast, KnowsWhichRowsGoInLanes) {
  if (!Lanes::cached(1)) GTEST_SKIP() << "needs a machine that tells the size of its last-level cache";
  const auto checkpoint = openCheckpoint(*modelPath("embedded:ts-2m-draft"));
  const auto scratch = [&](std::int64_t prompt, int threads, Activations activations) {
    return forecastRun(checkpoint->config, packedBytes(*checkpoint) / 2, {.activations = activations}, 1024, prompt, threads)->use.scratch;
  };
  const Activations bytes = Activations::Q8;
  EXPECT_LT(scratch(512, 2, bytes), scratch(512, 2, Activations::F32) / 2);
  EXPECT_GT(scratch(512 + 20, 2, bytes), scratch(512, 2, bytes)) << "the last 20 are too few for two lanes";
  EXPECT_EQ(scratch(512 + 88, 2, bytes), scratch(512, 2, bytes)) << "the last 88 go in lanes, too";
  EXPECT_EQ(scratch(512 + 88, 32, bytes), scratch(512, 32, bytes)) << "nothing goes in lanes";
  EXPECT_GT(scratch(512, 32, bytes), scratch(512, 2, bytes));
}

TEST(Forecast, SaysWhereItCanOnlyBeABound) {
  const auto checkpoint = openCheckpoint(*modelPath("embedded:ts-2m-draft"));
  Plan plan;
  EXPECT_FALSE(forecastRun(checkpoint->config, 1, plan, 64, 64, 1)->atMost);
  plan.kv = {spec("h2o:budget=0.2")};
  EXPECT_TRUE(forecastRun(checkpoint->config, 1, plan, 64, 64, 1)->atMost);
  plan.kv.clear();
  plan.decode = spec("speculative:drafter=model,draft=/none.gguf");
  EXPECT_FALSE(forecastRun(checkpoint->config, 1, plan, 64, 64, 1));
}

}  // namespace
}  // namespace ts
