// SPDX-License-Identifier: GPL-3.0-or-later
// What all tasks have in common: taking up an interrupted attempt, stopping early, skipping, telling what engaged.
#include "engine/evaluation/items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/engine/evaluation/support.h"

namespace ts {
namespace {

/// The result again, from samples that went through a store: without those in `lost`.
EvaluationResult resume(const EvaluationResult& whole, std::initializer_list<std::size_t> lost, const EvaluationOptions& options, const Plan& plan, int& fresh) {
  EvaluationHooks hooks;
  for (std::size_t i = 0; i < whole.samples.size(); ++i)
    if (std::find(lost.begin(), lost.end(), i) == lost.end())
      hooks.known.push_back({whole.samples[i].item, whole.samples[i].values, unpackPositions(packPositions(whole.samples[i].positions))});
  fresh = 0;
  hooks.sample = [&](const Sample&) { ++fresh; };
  return run(embedded(), options, plan, hooks);
}

TEST(Tasks, AnInterruptedAttemptIsTakenUpToTheSameNumbers) {
  Plan plan;
  plan.kv = {{"h2o", {{"budget", 0.3}}}};  // so that the dense model differs
  std::vector<EvaluationOptions> cases{{.task = "wikitext2", .limit = 3, .context = 64},
                                       {.task = "piqa", .limit = 3},
                                       {.task = "lambada", .limit = 3},
                                       {.task = "passkey", .limit = 3, .context = 96}};
  for (EvaluationOptions options : cases)
    for (const bool lockstep : {false, true}) {
      options.againstDense = lockstep;
      SCOPED_TRACE(options.task + (lockstep ? " in lockstep" : ""));
      const EvaluationResult whole = run(embedded(), options, plan);
      int fresh = 0;
      const EvaluationResult resumed = resume(whole, {1}, options, plan, fresh);
      EXPECT_EQ(fresh, 1);
      for (const auto& [name, metric] : whole.metrics) {
        EXPECT_EQ(resumed.metrics.at(name).value, metric.value) << name;
        EXPECT_EQ(resumed.metrics.at(name).stderr_, metric.stderr_) << name;
      }
      for (const auto& [name, metric] : whole.dense) EXPECT_EQ(resumed.dense.at(name).value, metric.value) << name;
      for (const auto& [name, metric] : whole.paired) EXPECT_EQ(resumed.paired.at(name).stderr_, metric.stderr_) << name;
      EXPECT_EQ(resumed.engaged, whole.engaged);
      ASSERT_EQ(resumed.kl.has_value(), whole.kl.has_value());
      if (!whole.kl) continue;
      double divergence = 0, positions = 0;
      for (const Sample& sample : whole.samples) divergence += sample.values.at("kl.sum"), positions += sample.values.at("kl.positions");
      EXPECT_NEAR(divergence / positions, whole.kl->mean, 1e-9) << "two runs' divergences are compared by these";
      EXPECT_GT(whole.kl->mean, 0);
      EXPECT_EQ(resumed.kl->divergence, whole.kl->divergence);
      EXPECT_EQ(resumed.kl->deltaP, whole.kl->deltaP);
      EXPECT_EQ(resumed.kl->correlation, whole.kl->correlation);
    }
}

TEST(Tasks, ASampleWithoutTheDenseModelsSideIsScoredAgainInLockstep) {
  const EvaluationResult alone = run(embedded(), {.task = "piqa", .limit = 2});
  int fresh = 0;
  const EvaluationResult both = resume(alone, {}, {.task = "piqa", .limit = 2, .againstDense = true}, {}, fresh);
  EXPECT_EQ(fresh, 2);
  EXPECT_TRUE(both.kl);
}

TEST(Tasks, StopWhenTheErrorIsSmallEnough) {
  const EvaluationOptions options{.task = "wikitext2", .limit = 40, .context = 16, .untilStderr = 1e9};
  EXPECT_EQ(static_cast<std::int64_t>(run(embedded(), options).samples.size()), EvaluationOptions::kFewestItems);
  EXPECT_EQ(run(embedded(), {.task = "wikitext2", .limit = 20, .context = 16, .untilStderr = 1e-9}).samples.size(), 20u);
  const EvaluationResult middle = run(embedded(), {.task = "wikitext2", .limit = 200, .context = 16, .untilStderr = 20});
  EXPECT_GT(middle.samples.size(), 16u);
  EXPECT_LT(middle.samples.size(), 200u);
  EXPECT_LE(middle.metrics.at("perplexity").stderr_, 20);
  // A store that holds all that was needed is enough; nothing is scored beyond.
  int fresh = 0;
  resume(middle, {}, {.task = "wikitext2", .limit = 200, .context = 16, .untilStderr = 20}, {}, fresh);
  EXPECT_EQ(fresh, 0);
}

TEST(Tasks, EqualAnswersAreNoCertainty) {
  // Nothing of this is ever answered right: its standard error is 0, and yet 20 items do not tell that.
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += R"({"question": "What?", "answer": "#### 987654321"})" "\n";
  const OwnFile data(lines);
  const EvaluationResult result = run(embedded(), {.task = "gsm8k", .data = data.path, .untilStderr = 0.01});
  EXPECT_EQ(result.metrics.at("acc").stderr_, 0);
  EXPECT_EQ(result.samples.size(), 20u);
}

TEST(Tasks, WhatDoesNotFitIsSkippedAndTold) {
  std::string longText;
  for (int i = 0; i < 1200; ++i) longText += " long";
  {
    const OwnFile data(R"({"query": "A", "choices": ["b", "c"], "gold": 0})" "\n" R"({"query": "A", "choices": ["b", ")" + longText + R"("], "gold": 0})" "\n" +
                       R"({"query": ")" + longText + R"(", "choices": ["b", "c"], "gold": 1})" "\n");
    const EvaluationResult result = run(embedded(), {.task = "choices", .data = data.path});
    EXPECT_EQ(result.metrics.at("acc").n, 2);
    ASSERT_EQ(result.skipped.size(), 1u);
    EXPECT_EQ(result.skipped[0].item, 1);
    EXPECT_THAT(result.skipped[0].reason, testing::HasSubstr("1024"));
    EXPECT_EQ(result.engaged.at("task.items_skipped"), 1);
    EXPECT_EQ(result.engaged.at("task.requests_cut"), 2) << "a long question only loses its beginning, in both requests";
    EXPECT_EQ(result.samples[1].item, 2);
  }
  const OwnFile data(R"({"question": ")" + longText + R"(", "answer": "1"})" "\n" R"({"question": "1 + 1?", "answer": "2"})" "\n");
  const EvaluationResult result = run(embedded(), {.task = "gsm8k", .data = data.path});
  EXPECT_EQ(result.metrics.at("acc").n, 1);
  ASSERT_EQ(result.skipped.size(), 1u);
  EXPECT_EQ(result.samples[0].item, 1);
  const auto none = evaluate(embedded(), nullptr, {}, {.task = "gsm8k", .data = data.path, .limit = 1}, pool());
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, testing::HasSubstr("no room"));
}

TEST(Tasks, SubjectsTakeTurns) {
  const EvaluationResult result = run(load(resourceFolder() / "models/ts-2m-draft"), {.task = "mmlu", .limit = 4});
  const auto data = readTaskData(resourceFolder() / "tasks/mmlu.test.jsonl.xz");
  std::set<std::string> subjects;
  ASSERT_TRUE(eachJsonLine(*data, 0, [&](std::int64_t number, const Json& line) -> Result<void> {
    for (const Sample& s : result.samples)
      if (s.item == number) subjects.insert(line["subject"].get<std::string>());
    return {};
  }));
  EXPECT_EQ(subjects.size(), 4u);
}

TEST(Tasks, EngagedTellsOfTheWholeRun) {
  Plan plan;
  plan.kv = {{"h2o", {{"budget", 0.3}}}};
  const EvaluationResult one = run(embedded(), {.task = "wikitext2", .limit = 1, .context = 128}, plan);
  const EvaluationResult three = run(embedded(), {.task = "wikitext2", .limit = 3, .context = 128}, plan);
  EXPECT_NEAR(three.engaged.at("kv.rows_evicted"), 3 * one.engaged.at("kv.rows_evicted"), 0.1 * three.engaged.at("kv.rows_evicted")) << "a count adds up";
  EXPECT_NEAR(three.engaged.at("kv.rows"), one.engaged.at("kv.rows"), 0.1 * one.engaged.at("kv.rows")) << "a size is averaged";
}

TEST(Tasks, SayWhichPartOfThePlanDoesNotAct) {
  Plan plan;
  plan.sample = {{"repetition-penalty", {}}};
  EXPECT_THAT(run(embedded(), {.task = "wikitext2", .limit = 1, .context = 16}, plan).notes, testing::SizeIs(1));
  EXPECT_THAT(run(embedded(), {.task = "passkey", .limit = 1, .context = 96}, plan).notes, testing::IsEmpty());
  EXPECT_THAT(run(embedded(), {.task = "wikitext2", .limit = 1, .context = 16}).notes, testing::IsEmpty());
}

TEST(EngagedTotals, RatesAreWeightedCountsAdded) {
  EngagedTotals totals;
  totals.add({{"draft.accepted", 3}, {"kv.rows", 10}, {"tokens_per_step", 4}, {"verify.steps", 1}});
  totals.add({{"draft.accepted", 1}, {"kv.rows", 20}, {"tokens_per_step", 1}, {"verify.steps", 3}});
  const auto all = totals.finish();
  EXPECT_EQ(all.at("draft.accepted"), 4);
  EXPECT_EQ(all.at("kv.rows"), 15);
  EXPECT_EQ(all.at("tokens_per_step"), 7.0 / 4);
}

}  // namespace
}  // namespace ts
