// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/spec/constraints.h"
#include "experiments/spec/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/core/resources.h"
#include "experiments/spec/chain.h"
#include "tests/experiments/support/strategies.h"

namespace ts {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class SweepFile : public testing::Test {
 protected:
  static void SetUpTestSuite() { registerTestStrategies(); }
};

std::vector<std::string> texts(Family family, const std::string& text) {
  const auto chains = parseAlternatives(family, text, "here");
  if (!chains) return {"error: " + chains.error().message};
  std::vector<std::string> out;
  for (const auto& chain : *chains) out.push_back(chainText(chain));
  return out;
}

TEST_F(SweepFile, AnEmptyEntryIsOff) {
  EXPECT_THAT(texts(Family::Weights, " "), ElementsAre(""));
}

TEST_F(SweepFile, ACommaBeforeAParameterContinuesAndBeforeAStrategyBegins) {
  EXPECT_THAT(texts(Family::Weights, "t-prune:sparsity=0.2, t-quant:group=32,symmetric=true"),
              ElementsAre("t-prune:sparsity=0.2 + t-quant:group=32,symmetric=true"));
  EXPECT_THAT(texts(Family::Weights, "t-prune, t-quant"), ElementsAre("t-prune + t-quant"));
  EXPECT_THAT(texts(Family::Weights, "t-prune:sparsity=0.2 + t-quant"), ElementsAre("t-prune:sparsity=0.2 + t-quant"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:note=a:b"), ElementsAre("t-quant:note=a:b")) << "a colon in a value";
}

TEST_F(SweepFile, AlternativesMultiplyTheLastFastest) {
  EXPECT_THAT(texts(Family::Weights, "t-quant:group=32|64,symmetric=true|false"),
              ElementsAre("t-quant:group=32,symmetric=true", "t-quant:group=32,symmetric=false",
                          "t-quant:group=64,symmetric=true", "t-quant:group=64,symmetric=false"));
  EXPECT_THAT(texts(Family::Weights, "t-prune:sparsity=0.1|0.2, t-quant:group=32|64"), SizeIs(4));
}

TEST_F(SweepFile, RangesStepOnTheParametersScale) {
  EXPECT_THAT(texts(Family::Weights, "t-prune:sparsity=0.1..0.5/5"),
              ElementsAre("t-prune:sparsity=0.1", "t-prune:sparsity=0.2", "t-prune:sparsity=0.3",
                          "t-prune:sparsity=0.4", "t-prune:sparsity=0.5"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:group=16..64/3"),
              ElementsAre("t-quant:group=16", "t-quant:group=32", "t-quant:group=64"))
      << "logarithmic";
  EXPECT_THAT(texts(Family::KeyValue, "t-evict:sinks=1..3/9"),
              ElementsAre("t-evict:sinks=1", "t-evict:sinks=2", "t-evict:sinks=3"))
      << "whole numbers once each";
}

TEST_F(SweepFile, SaysWhatIsWrongWithAnEntry) {
  EXPECT_THAT(texts(Family::Weights, "nothing")[0], AllOf(HasSubstr("no strategy 'nothing'"), HasSubstr("t-quant")));
  EXPECT_THAT(texts(Family::Weights, "t-quant|t-prune")[0], HasSubstr("entries of their own"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:group=0")[0], HasSubstr("group"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:grup=32")[0], HasSubstr("grup"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:group=")[0], HasSubstr("expected"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:group=16..64")[0], HasSubstr("LOW..HIGH/COUNT"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:group=16..64/1")[0], HasSubstr("at least 2"));
  EXPECT_THAT(texts(Family::Weights, "group=32")[0], HasSubstr("expected a strategy"));
  EXPECT_THAT(texts(Family::Weights, "t-quant:,")[0], HasSubstr("expected"));
  EXPECT_THAT(texts(Family::Weights, "t-prune:sparsity=0.1..0.5/9999,also=0.1..0.5/9999")[0],
              HasSubstr("10000 alternatives"));
}

constexpr const char* kWhole = R"({ // comments are allowed
  "name": "demo", "model": "embedded:ts-16m", "seed": 7, "threads": 2,
  "task": {"name": "wikitext2", "limit": 8, "context": 256, "against_dense": true, "data": "my.txt"},
  "bench": {"prompt": 16, "generate": 8, "repetitions": 3, "depth": 4, "warmup": 0},
  "search": {"method": "nsga2", "budget": 20},
  "objectives": ["perplexity", "-decode_tokens_per_s"],
  "constraints": ["bytes_total < 40e6", "acc >= 0.5"],
  "groups": [{"weights": ["", "t-quant:group=32|64"], "kv": ["", "t-evict"], "decode": ["", "t-speculate:length=2|4"], "activations": ["f32", "q8"]},
             {"weights": ["t-prune:sparsity=0.1..0.3/3, t-quant"]}]
})";

TEST_F(SweepFile, ReadsEverything) {
  const auto sweep = parseSweep(kWhole, "demo.json");
  ASSERT_TRUE(sweep) << sweep.error().where << ": " << sweep.error().message;
  EXPECT_EQ(sweep->task.context, 256);
  EXPECT_EQ(sweep->task.seed, 7u);
  EXPECT_EQ(sweep->bench.repetitions, 3);
  EXPECT_EQ(sweep->budget, 20);
  EXPECT_EQ(sweep->constraints[0], (Constraint{"bytes_total", true, 40e6}));
  EXPECT_EQ(sweep->constraints[1], (Constraint{"acc", false, 0.5}));
  EXPECT_THAT(sweep->groups[0].weights, SizeIs(3));
  EXPECT_THAT(sweep->groups[1].weights, SizeIs(3));
}

TEST_F(SweepFile, WritesWhatItReads) {
  const Sweep sweep = *parseSweep(kWhole, "demo.json");
  const std::string text = toJson(sweep);
  const auto again = parseSweep(text, "again.json");
  ASSERT_TRUE(again) << again.error().where << ": " << again.error().message;
  EXPECT_EQ(toJson(*again), text);
  Sweep fast = *parseSweep(R"({"model": "m", "bench": null, "groups": [{}]})", "f.json");
  EXPECT_FALSE(fast.latency);
  EXPECT_EQ(fast.name, "f");
  EXPECT_FALSE(parseSweep(toJson(fast), "again.json")->latency);
}

TEST_F(SweepFile, ANestThatWouldExhaustTheStackIsAnError) {
  const std::string deep = "{\"model\": \"m\", \"groups\": [{}], \"name\": " + std::string(400'000, '[') + std::string(400'000, ']') + "}";
  const auto sweep = parseSweep(deep, "deep.json");
  ASSERT_FALSE(sweep);
  EXPECT_EQ(sweep.error().message, "a sweep nests at most 100 deep");
}

TEST_F(SweepFile, ErrorsNameFilePlaceAndExpectation) {
  const auto error = [](const std::string& text) {
    const auto sweep = parseSweep(text, "s.json");
    return sweep ? "none" : sweep.error().where + " | " + sweep.error().message;
  };
  EXPECT_THAT(error(R"({"model": "m", "groups": [{"weights": ["", "q:", "t-quant"]}]})"),
              HasSubstr("s.json: groups[0].weights[1] | "));
  EXPECT_THAT(error(R"({"model": "m", "groups": [{"weights": "q4"}]})"),
              HasSubstr("s.json: groups[0].weights | expected a list"));
  EXPECT_THAT(error(R"({"model": "m", "groups": [{"wieghts": []}]})"),
              AllOf(HasSubstr("'wieghts'"), HasSubstr("known: weights, kv")));
  EXPECT_THAT(error("{\n  \"model\": \"m\",\n  oops\n}"), HasSubstr("line 3, column 3"));
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(error(R"({"groups": [{}]})"), HasSubstr("\"model\" is missing"));
  EXPECT_THAT(error(R"({"model": "m"})"), HasSubstr("groups"));
  EXPECT_THAT(error(R"({"model": "m", "task": {"limit": -1}, "groups": [{}]})"),
              HasSubstr("s.json: task.limit | expected a whole number from 0"));
  EXPECT_THAT(error(R"({"model": "m", "seed": 99999999999999999999, "groups": [{}]})"), HasSubstr("seed"));
  EXPECT_THAT(error(R"({"model": "m", "search": {"method": "magic"}, "groups": [{}]})"),
              HasSubstr("one of grid, random"));
  EXPECT_THAT(error(R"({"model": "m", "search": {"method": "random"}, "groups": [{}]})"), HasSubstr("budget"));
  EXPECT_THAT(error(R"({"model": "m", "search": {"method": "nsga2", "budget": 5}, "groups": [{}]})"),
              HasSubstr("objectives"));
  EXPECT_THAT(error(R"({"model": "m", "constraints": ["small"], "groups": [{}]})"),
              HasSubstr("s.json: constraints[0] | expected METRIC < NUMBER"));
  EXPECT_THAT(error(R"({"model": "m", "groups": [{"decode": ["t-speculate + t-speculate"]}]})"),
              HasSubstr("at most one"));
  EXPECT_THAT(error(R"({"model": "m", "task": {"name": "tea-leaves"}, "groups": [{}]})"),
              AllOf(HasSubstr("s.json: task.name"), HasSubstr("wikitext2"), HasSubstr("hellaswag")));
  EXPECT_THAT(error(R"({"model": "m", "task": null, "bench": null, "groups": [{}]})"), HasSubstr("nothing to measure"));
  EXPECT_EQ(readSweep("/no/such/file.json").error().kind, ErrorKind::Io);
}

TEST_F(SweepFile, ExpandsTheDensePlanFirstAndEveryPlanOnce) {
  const Sweep sweep = *parseSweep(R"({"model": "m", "threads": 2, "groups": [
      {"weights": ["t-quant", "", "t-quant:group=32"], "decode": ["greedy"]}, {"kv": ["t-evict", "t-evict"]}, {"weights": ["t-prune"], "kv": ["t-evict"]}]})",
                                  "s.json");
  const auto plans = expand(sweep, {"causal"});
  ASSERT_TRUE(plans) << plans.error().message;
  std::vector<std::string> lines;
  for (const PlannedRun& run : *plans) lines.push_back(chainText(run.plan.weights) + "|" + chainText(run.plan.kv));
  EXPECT_THAT(lines, ElementsAre("|", "t-quant|", "|t-evict", "t-prune|t-evict")) << "t-quant's group is 32 by default";
  for (const PlannedRun& run : *plans) EXPECT_EQ(run.plan.threads, 2);
  EXPECT_EQ((*plans)[2].refusal, "");
}

TEST_F(SweepFile, RefusesWhatCannotHoldWithItsReason) {
  const Sweep sweep = *parseSweep(R"({"model": "m", "groups": [{"kv": ["t-evict"]}]})", "s.json");
  EXPECT_THAT((*expand(sweep, {}))[1].refusal, HasSubstr("causal"));
}

TEST_F(SweepFile, TooManyPlansAreSaidBeforeTheyAreMade) {
  std::string values = "t-prune:sparsity=0.1..0.9/9000";
  const Sweep sweep = *parseSweep(R"({"model": "m", "groups": [{"weights": [")" + values +
                                      R"("], "kv": ["t-evict:sinks=1|2|3|4|5|6|7|8|9|10|11|12"]}]})",
                                  "s.json");
  EXPECT_THAT(expand(sweep, {}).error().message, HasSubstr("100000"));
}

TEST(Sweep, AnErrorThatIsSmallEnoughIsPartOfTheTask) {
  const auto sweep = parseSweep(R"({"model": "m", "task": {"until_stderr": 0.25}, "groups": [{}]})", "s.json");
  ASSERT_TRUE(sweep) << sweep.error().message;
  EXPECT_EQ(sweep->task.untilStderr, 0.25);
  EXPECT_EQ(parseSweep(toJson(*sweep), "s.json")->task.untilStderr, 0.25);
  const auto wrong = parseSweep(R"({"model": "m", "task": {"until_stderr": -1}, "groups": [{}]})", "s.json");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().where, "s.json: task.until_stderr");
}

TEST(Constraints, AreReadFromAStoredSweepAndJudged) {
  const auto constraints = constraintsOf(R"({"constraints": ["bytes_total < 40e6", "acc > 0.5"] /* a comment */})");
  ASSERT_EQ(constraints.size(), 2u);
  EXPECT_TRUE(violated(constraints, {{"bytes_total", 4e7}, {"acc", 0.5}}).empty());
  EXPECT_EQ(violated(constraints, {{"bytes_total", 5e7}, {"acc", 0.4}}).size(), 2u);
  EXPECT_EQ(violated(constraints, {{"bytes_total", 5e7}}), std::vector<std::string>{"bytes_total < 4e+07"});
  EXPECT_EQ(constraintsFrom(toText(constraints)), constraints);
  EXPECT_TRUE(constraintsFrom("").empty());
  EXPECT_TRUE(constraintsOf("not json").empty());
  EXPECT_TRUE(constraintsOf("{}").empty());
}

}  // namespace
}  // namespace ts
