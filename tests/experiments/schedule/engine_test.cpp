// SPDX-License-Identifier: GPL-3.0-or-later
// The whole way on the real engine: from a sweep file to a front.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <thread>

#include <chrono>
#include <thread>

#include "engine/core/resources.h"
#include "experiments/analysis/compare.h"
#include "experiments/analysis/front.h"
#include "experiments/schedule/scheduler.h"
#include "experiments/store/store.h"
#include "tests/experiments/store/temporary_folder.h"

namespace ts {
namespace {

using testing::Contains;
using testing::Key;
using testing::SizeIs;

TEST(EngineSweep, EndsInAFrontWithEveryMetric) {
  TemporaryFolder folder;
  const std::filesystem::path file = folder / "s.db";
  const auto sweep = parseSweep(R"({"name": "small", "model": "embedded:ts-2m-draft", "threads": 2,
      "task": {"limit": 2, "context": 128, "against_dense": true}, "bench": {"prompt": 16, "generate": 8, "repetitions": 2},
      "groups": [{"weights": ["", "q4:group=32"], "kv": ["", "q8"]}, {"weights": ["flap:sparsity=0.3"]}]})",
                                "small.json");
  ASSERT_TRUE(sweep) << sweep.error().message;
  std::vector<std::string> lines;
  SchedulerListener listener{.log = [&](const std::string& line) { lines.push_back(line); }};
  auto scheduler = Scheduler::start(*sweep, {.store = file, .workers = 2}, listener);
  ASSERT_TRUE(scheduler) << scheduler.error().message;
  const auto progress = (*scheduler)->wait();
  ASSERT_TRUE(progress) << progress.error().message;
  EXPECT_EQ(progress->done, 5) << testing::PrintToString(lines);

  auto store = *Store::open(file);
  const auto runs = *store->runs();
  ASSERT_THAT(runs, SizeIs(5));
  for (const RunRecord& run : runs) {
    for (const char* metric :
         {"perplexity", "bits_per_byte", "kl_mean", "same_top", "prefill_tokens_per_s", "decode_tokens_per_s",
          "ttft_ms", "itl_p50_ms", "itl_p99_ms", "bytes_weights", "bytes_kv", "bytes_total", "noise", "bandwidth_used"})
      EXPECT_THAT(run.metrics, Contains(Key(metric))) << run.plan;
    EXPECT_THAT(*store->samples(run.id), SizeIs(2));
  }
  EXPECT_NEAR(runs[0].metrics.at("kl_mean").value, 0, 1e-6) << "the dense model against itself";
  const Front front = paretoFront(runs, "bytes_total", "perplexity");
  EXPECT_GE(front.front.size(), 2u);

  const Comparison comparison = compareRuns(runs[0], runs[1], *store->samples(runs[0].id), *store->samples(runs[1].id));
  EXPECT_TRUE(comparison.metrics.size() > 10);
  for (const MetricDifference& d : comparison.metrics) {
    if (d.metric == "perplexity") {
      EXPECT_EQ(d.n, 2);
    }
  }

  auto again = Scheduler::start(*sweep, {.store = file}, {});
  EXPECT_EQ((*again)->wait()->reused, 5);
}

TEST(EngineSweep, ACancelledRunInLockstepGoesOnToTheNumbersOfAWholeOne) {
  TemporaryFolder folder;
  const auto sweep = parseSweep(R"({"name": "small", "model": "embedded:ts-2m-draft", "threads": 1, "bench": null,
      "task": {"limit": 6, "context": 128, "against_dense": true}, "groups": [{"weights": ["q4:group=32"]}]})",
                                "small.json");
  ASSERT_TRUE(sweep) << sweep.error().message;
  const auto measured = [&](const std::filesystem::path& file, double until) {
    {
      auto scheduler = *Scheduler::start(*sweep, {.store = file, .workers = 1}, {});
      while (!scheduler->finished() && scheduler->progress().fraction < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (until < 1) scheduler->cancel();
      (void)scheduler->wait();
    }
    return *(*Store::open(file))->runs();
  };
  const auto whole = measured(folder / "whole.db", 1), stopped = measured(folder / "stopped.db", 0.3);
  for (const RunRecord& run : stopped) {
    if (run.state == RunState::Done) continue;
    const auto store = *Store::open(folder / "stopped.db");
    const auto kept = *store->unfinishedSamples(run.id);
    for (const SampleRecord& sample : kept)
      EXPECT_FALSE(sample.positions.empty()) << sample.item;
  }
  const auto resumed = measured(folder / "stopped.db", 1);
  ASSERT_EQ(resumed.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    ASSERT_EQ(resumed[i].plan, whole[i].plan);
    EXPECT_EQ(resumed[i].engaged, whole[i].engaged);
    for (const auto& [name, metric] : whole[i].metrics)
      if (!name.ends_with("_seconds")) {
        EXPECT_EQ(resumed[i].metrics.at(name).value, metric.value) << name;
      }
  }
}

/// Cancels a sweep when `phase` is what it does, `after` that; prints how long the end took. The time is a figure, the test is
/// about what is left behind.
void cancelsIn(const std::string& phase, const std::string& sweepText, std::chrono::milliseconds after) {
  TemporaryFolder folder;
  const auto sweep = parseSweep(sweepText, "cancel.json");
  ASSERT_TRUE(sweep) << sweep.error().message;
  auto scheduler = *Scheduler::start(*sweep, {.store = folder / "s.db", .workers = 2}, {});
  while (!scheduler->progress().current.starts_with(phase) && !scheduler->finished())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_FALSE(scheduler->finished()) << phase << " was over too soon";
  std::this_thread::sleep_for(after);
  const auto from = std::chrono::steady_clock::now();
  scheduler->cancel();
  const auto progress = scheduler->wait();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - from;
  ASSERT_TRUE(progress) << progress.error().message;
  EXPECT_GT(progress->cancelled, 0);
  auto store = *Store::open(folder / "s.db", Store::Mode::ReadOnly);
  const auto runs = *store->runs();
  for (const RunRecord& run : runs) EXPECT_TRUE(run.state == RunState::Cancelled || run.state == RunState::Done);
  std::cout << "cancelled in " << phase << " after " << took.count() << " ms\n";
}

TEST(EngineSweep, IsCancelledWhereverItIs) {
  const std::string head = R"({"name": "c", "model": "embedded:ts-16m", )";
  cancelsIn("quality", head + R"("task": {"context": 512}, "bench": null, "groups": [{}]})", std::chrono::milliseconds(150));
  cancelsIn("quality", head + R"("task": {"context": 512}, "bench": null, "groups": [{"kv": ["h2o"]}]})", std::chrono::milliseconds(250));
  cancelsIn("quality  gptq", head + R"("task": {"limit": 1, "context": 16}, "bench": null, "groups": [{"weights": ["gptq"]}]})",
            std::chrono::milliseconds(200));
  cancelsIn("latency", head + R"("task": null, "bench": {"prompt": 900, "generate": 100, "repetitions": 1000}, "groups": [{}]})",
            std::chrono::milliseconds(300));
}

TEST(ExampleSweeps, AllExpand) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(resourceFolder() / "sweeps")) {
    const auto sweep = readSweep(entry.path());
    ASSERT_TRUE(sweep) << sweep.error().where << ": " << sweep.error().message;
    const auto plans =
        expand(*sweep, {"attention", "causal", "gated-mlp", "tokenizer", "grouped-heads", "pre-norm", "rope"});
    ASSERT_TRUE(plans) << plans.error().message;
    EXPECT_GE(plans->size(), 24u);
    int refused = 0;
    for (const PlannedRun& run : *plans) refused += !run.refusal.empty();
    EXPECT_EQ(refused, 0) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3);
}

}  // namespace
}  // namespace ts
