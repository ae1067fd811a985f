// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QSignalSpy>

#include "widgets/forms/family_axes.h"
#include "widgets/forms/parameter_field.h"
#include "widgets/forms/plan_form.h"
#include "widgets/forms/strategy_form.h"
#include "widgets/forms/sweep_draft.h"
#include "widgets/pages/measure_form.h"

namespace ts {
namespace {

Parameter integer() {
  Parameter p;
  p.name = "bits";
  p.type = ParameterType::Integer;
  p.fallback = std::int64_t{4};
  p.minimum = 2;
  p.maximum = 8;
  return p;
}

TEST(ParameterField, AcceptsWhatTheDescriptorAllowsAndExplainsTheRest) {
  ParameterField field(integer(), ParameterField::Kind::Value);
  EXPECT_EQ(field.value(), "") << "the default is not named";
  field.setValue("3");
  EXPECT_EQ(field.problem(), "");
  for (const char* wrong : {"9", "3.5", "three", "2|4"}) {
    field.setValue(wrong);
    EXPECT_NE(field.problem(), "") << wrong;
    EXPECT_EQ(field.value(), wrong) << "nothing is dropped";
  }
}

TEST(ParameterField, AsAnAxisTakesListsAndRanges) {
  ParameterField field(integer(), ParameterField::Kind::Axis);
  for (const char* right : {"2|4|8", "2..8/4", "3"}) {
    field.setValue(right);
    EXPECT_EQ(field.problem(), "") << right;
  }
  for (const char* wrong : {"2|9", "2..8", "2..8/1", "1..8/3"}) {
    field.setValue(wrong);
    EXPECT_NE(field.problem(), "") << wrong;
  }
}

TEST(StrategyForm, EveryRegisteredStrategyRoundTripsItsDefaults) {
  for (const Strategy& strategy : registry().all()) {
    StrategyForm form(strategy, ParameterField::Kind::Value);
    form.setOn(true);
    EXPECT_EQ(form.specText(), strategy.descriptor.id);
    EXPECT_FALSE(form.hasProblem()) << strategy.descriptor.id;
    EXPECT_TRUE(form.setSpecText(strategy.descriptor.id));
  }
}

TEST(StrategyForm, BringsTheParametersOfTheDrafterItNames) {
  const Strategy* speculative = registry().find(Family::Decoding, "speculative");
  if (!speculative) GTEST_SKIP() << "speculative decoding is not registered";
  StrategyForm form(*speculative, ParameterField::Kind::Value);
  for (const Strategy* drafter : registry().ofFamily(Family::Drafter)) {
    const std::string text = "speculative:drafter=" + drafter->descriptor.id;
    ASSERT_TRUE(form.setSpecText(text));
    const auto spec = parseStrategy(form.specText(), "");
    ASSERT_TRUE(spec);
    EXPECT_TRUE(registry().resolve(Family::Decoding, *spec)) << text;
  }
}

TEST(PlanForm, RoundTripsPlans) {
  PlanForm form;
  std::vector<Plan> plans(1);
  for (const char* text : {"q8", "q4:group=64", "gptq:bits=3"}) {
    Plan plan;
    plan.weights = {*parseStrategy(text, "")};
    plans.push_back(plan);
  }
  Plan full;
  full.weights = {*parseStrategy("flap:sparsity=0.2", ""), *parseStrategy("q4", "")};
  full.kv = {*parseStrategy("q8", ""), *parseStrategy("h2o:budget=0.5", "")};
  full.decode = *parseStrategy("sample", "");
  full.sample = {*parseStrategy("temperature", ""), *parseStrategy("top-p", "")};
  full.activations = Activations::Q8;
  plans.push_back(full);
  for (const Plan& plan : plans) {
    form.setPlan(plan);
    const auto back = form.plan();
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(canonical(*back).value_or("?"), canonical(plan).value_or("!"));
  }
}

TEST(PlanForm, SaysAtOnceWhyACombinationIsRefused) {
  PlanForm form;
  form.setModelOffers({"attention", "causal", "rope", "gated-mlp", "tokenizer"});
  Plan plan;
  plan.kv = {*parseStrategy("q8", ""), *parseStrategy("q4", "")};
  form.setPlan(plan);
  EXPECT_FALSE(form.plan());
  EXPECT_NE(form.problem(), "") << "two codecs claim the same slot";
}

TEST(PlanForm, DecodingTakesOneStrategy) {
  PlanForm form;
  Plan plan;
  plan.decode = *parseStrategy("greedy", "");
  form.setPlan(plan);
  plan.decode = *parseStrategy("sample", "");
  form.setPlan(plan);
  EXPECT_EQ(form.plan()->decode->id, "sample");
}

TEST(FamilyAxes, KeepsAlternativesAsTheyAreWritten) {
  FamilyAxes axes(Family::Weights);
  const std::vector<std::string> alternatives{"", "q4:group=32|64", "q8", "flap:sparsity=0.1..0.3/3 + q4:group=32"};
  axes.setAlternatives(alternatives);
  auto sorted = [](std::vector<std::string> v) { return std::sort(v.begin(), v.end()), v; };
  EXPECT_EQ(sorted(axes.alternatives()), sorted(alternatives));
  EXPECT_EQ(axes.choices(), 1 + 2 + 1 + 3);
  axes.setAlternatives({"no-such-strategy"});
  EXPECT_NE(axes.problem(), "");
  EXPECT_EQ(axes.choices(), 0);
}

TEST(SweepDraft, RoundTripsThroughTheSweepFile) {
  SweepDraft draft;
  draft.name = "round trip";
  draft.method = "random";
  draft.budget = 12;
  draft.depths = {32, 256};
  draft.untilStderr = 0.25, draft.interval = 0.02, draft.maximumRepetitions = 17, draft.memory = true;
  draft.constraints = {"bytes_total < 4e+07"};
  draft.groups[0].weights = {"", "q4:group=32|64", "flap:sparsity=0.1..0.3/3 + q8"};
  draft.groups[0].activationsQ8 = true;
  draft.groups.emplace_back();
  draft.groups[1].kv = {"h2o:budget=0.2|0.5"};
  const auto back = draftOf(toJson(draft), "draft");
  ASSERT_TRUE(back) << back.error().where << " " << back.error().message;
  EXPECT_EQ(toJson(*back), toJson(draft));
  EXPECT_EQ(*back, draft);
}

TEST(MeasureForm, KeepsEveryFieldOfADraft) {
  SweepDraft draft;
  draft.depths = {32, 256};
  draft.untilStderr = 0.25, draft.interval = 0.02, draft.maximumRepetitions = 17, draft.memory = true;
  MeasureForm form;
  form.show(draft);
  SweepDraft back = draft;
  back.depths = {0}, back.untilStderr = 0, back.interval = 0, back.memory = false;
  form.read(back);
  EXPECT_EQ(back, draft);
}

}  // namespace
}  // namespace ts
