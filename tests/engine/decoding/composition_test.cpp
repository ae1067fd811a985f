// SPDX-License-Identifier: GPL-3.0-or-later
// Promise: whatever key/value strategies are on, greedy speculation takes the tokens of greedy decoding, bit for bit.
// Over the product of every registered codec and policy with every drafter, on the embedded model.
#include <gtest/gtest.h>

#include <set>

#include "engine/decoding/decoder.h"
#include "engine/formats/tokenizer.h"

namespace ts {
namespace {

ThreadPool& pool() {
  static ThreadPool instance(1);
  return instance;
}
Result<std::shared_ptr<const Model>> load(const std::string& source) {
  static std::map<std::string, std::shared_ptr<const Model>> loaded;
  auto& model = loaded[source];
  if (!model) model = loadModel(source, pool()).value();
  return model;
}

/// Settings under which a strategy acts on a sequence of some 150 tokens; defaults may be too generous to be felt.
StrategySpec biting(const Descriptor& d) {
  static const std::map<std::string, Value> kSmall{
      {"recent", std::int64_t{40}}, {"budget", 0.3}, {"interval", std::int64_t{16}}};
  StrategySpec spec{d.id, {}};
  for (const Parameter& p : d.parameters)
    if (const auto small = kSmall.find(p.name); small != kSmall.end() && p.fallback.index() == small->second.index())
      spec.values.insert(*small);
  return spec;
}

/// Every codec and policy alone, every pair that may be combined, and nothing at all.
std::vector<std::vector<StrategySpec>> keyValueChoices(const std::set<std::string>& offers) {
  std::vector<std::vector<StrategySpec>> choices{{}};
  const auto all = registry().ofFamily(Family::KeyValue);
  const auto add = [&](std::vector<StrategySpec> kv) {
    Plan plan;
    plan.kv = kv;
    if (check(plan, offers)) choices.push_back(std::move(kv));
  };
  for (std::size_t a = 0; a < all.size(); ++a) {
    add({biting(all[a]->descriptor)});
    for (std::size_t b = a + 1; b < all.size(); ++b) add({biting(all[a]->descriptor), biting(all[b]->descriptor)});
  }
  return choices;
}

TEST(Composition, GreedySpeculationIsGreedyUnderEveryKeyValueStrategy) {
  const auto model = load("embedded:ts-16m").value();
  const auto prompt = model->tokenizer->encode(
      "The river rises in the hills to the north of the town and flows through the valley to the sea. The river rises "
      "in the");
  const auto choices = keyValueChoices(modelOffers(model->config, true));
  EXPECT_GE(choices.size(), 12u);
  for (const auto& kv : choices) {
    Plan plan;
    plan.kv = kv;
    plan.decode = StrategySpec{"greedy", {}};
    const GenerateOptions options{.tokens = 60, .stopAtEnd = false, .load = load};
    const auto greedy = generate(model, plan, prompt, options, pool());
    ASSERT_TRUE(greedy) << commandLine(plan) << greedy.error().message;
    for (const Strategy* drafter : registry().ofFamily(Family::Drafter)) {
      plan.decode = StrategySpec{"speculative", {{"drafter", drafter->descriptor.id}, {"length", std::int64_t{5}}}};
      const auto speculative = generate(model, plan, prompt, options, pool());
      ASSERT_TRUE(speculative) << commandLine(plan) << speculative.error().message;
      EXPECT_EQ(speculative->ids, greedy->ids) << commandLine(plan);
      EXPECT_GT(speculative->engaged.at("draft.accepted"), 0) << commandLine(plan);
      EXPECT_EQ(speculative->engaged.contains("kv.rows_evicted"), greedy->engaged.contains("kv.rows_evicted"));
    }
  }
}

}  // namespace
}  // namespace ts
