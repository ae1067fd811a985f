// SPDX-License-Identifier: GPL-3.0-or-later
// generate() with the embedded models, against what independent programs computed (resources/models/*/*.json).
#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/decoding/decoder.h"
#include "engine/formats/tokenizer.h"

namespace ts {
namespace {

using nlohmann::json;
using testing::HasSubstr;

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
std::shared_ptr<const Model> target() {
  return load("embedded:ts-16m").value();
}

json read(const std::string& path) {
  return json::parse(std::ifstream(std::string(TS_SOURCE_DIR) + "/" + path));
}

Plan plan(const std::string& decode, const std::vector<std::string>& sample = {}) {
  Plan p;
  if (!decode.empty()) p.decode = parseStrategy(decode, "--decode").value();
  for (const auto& s : sample) p.sample.push_back(parseStrategy(s, "--sample").value());
  return p;
}
Generation run(const Plan& plan, std::span<const int> prompt, GenerateOptions options = {}, const TokenSink& sink = {},
               std::stop_token stop = {}) {
  options.load = load;
  auto result = generate(target(), plan, prompt, options, pool(), sink, stop);
  EXPECT_TRUE(result) << (result ? "" : result.error().message + " (" + result.error().where + ")");
  return result ? std::move(*result) : Generation{};
}
const std::vector<int>& prompt() {
  static const std::vector<int> ids =
      target()->tokenizer->encode("The history of the city of London begins with the Romans, who");
  return ids;
}
std::string textOf(const Generation& g) {
  return target()->tokenizer->decode(g.ids, true);
}

TEST(Greedy, WritesTheTextAnIndependentProgramWrote) {
  const json file = read("resources/models/ts-16m/reference.json");
  for (const auto& reference : file["greedy"]) {
    const auto ids = reference["prompt_ids"].get<std::vector<int>>();
    const auto expected = reference["continuation_ids"].get<std::vector<int>>();
    const auto margins = reference["top1_minus_top2"].get<std::vector<double>>();
    const auto g = run(plan("greedy"), ids, {.tokens = static_cast<std::int64_t>(expected.size()), .stopAtEnd = false});
    ASSERT_EQ(g.ids.size(), expected.size());
    // A token is held to the reference as long as every choice so far had a clear margin.
    for (std::size_t i = 0; i < expected.size() && margins[i] > 0.01; ++i)
      ASSERT_EQ(g.ids[i], expected[i]) << reference["prompt"] << " at " << i;
  }
}

TEST(Speculative, TakesTheTokensOfGreedyWhoeverDrafts) {
  const auto greedy = run(plan("greedy"), prompt(), {.tokens = 120, .stopAtEnd = false}).ids;
  for (const char* decode : {"speculative", "speculative:drafter=ngram,length=15,min=2", "speculative:drafter=model",
                             "speculative:drafter=model,length=1", "speculative:drafter=model,length=15",
                             "speculative:drafter=model,length=8,confidence=0.3"}) {
    const auto g = run(plan(decode), prompt(), {.tokens = 120, .stopAtEnd = false});
    EXPECT_EQ(g.ids, greedy) << decode;
    EXPECT_GT(g.engaged.at("draft.accepted"), 0) << decode;
    EXPECT_GT(g.engaged.at("tokens_per_step"), 1) << decode;
  }
}

TEST(Sampling, IsWhatAPenaltyWithoutADecodeStrategyMeans) {
  const std::vector<std::string> penalty{"repetition-penalty:penalty=1.5"};
  const auto alone = run(plan("", penalty), prompt(), {.tokens = 24, .seed = 1});
  EXPECT_EQ(alone.ids, run(plan("sample", penalty), prompt(), {.tokens = 24, .seed = 1}).ids);
  EXPECT_NE(alone.ids, run(plan("", penalty), prompt(), {.tokens = 24, .seed = 2}).ids) << "it draws";
  EXPECT_NE(alone.ids, run(plan("sample"), prompt(), {.tokens = 24, .seed = 1}).ids) << "and penalizes";
}

TEST(Speculative, FollowsPenaltiesAndATopOneDrawToo) {
  const auto penalty = std::vector<std::string>{"repetition-penalty:penalty=1.2"};
  const auto greedy = run(plan("greedy", penalty), prompt(), {.tokens = 80}).ids;
  EXPECT_NE(greedy, run(plan("greedy"), prompt(), {.tokens = 80}).ids) << "the penalty did something";
  const auto top1 = run(plan("sample", {"top-k:k=1"}), prompt(), {.tokens = 80}).ids;
  EXPECT_EQ(top1, run(plan("greedy"), prompt(), {.tokens = 80}).ids);
  for (const char* decode : {"speculative:drafter=ngram", "speculative:drafter=model"}) {
    EXPECT_EQ(run(plan(decode, penalty), prompt(), {.tokens = 80}).ids, greedy) << decode;
    EXPECT_EQ(run(plan(decode, {"top-k:k=1"}), prompt(), {.tokens = 80}).ids, top1) << decode;
  }
}

/// Accepted and proposed tokens over the beginnings of articles: 64 tokens of prompt, 128 generated.
double acceptance(const Plan& plan) {
  std::ifstream in(std::string(TS_SOURCE_DIR) + "/tests/data/decoding/article-beginnings.jsonl");
  double proposed = 0, accepted = 0;
  int article = 0;
  for (std::string line; std::getline(in, line); ++article) {
    if (article % 8 != 0) continue;
    auto ids = target()->tokenizer->encode(json::parse(line)["text"].get<std::string>());
    ids.resize(std::min<std::size_t>(ids.size(), 64));
    const auto g = run(plan, ids, {.tokens = 128, .seed = static_cast<std::uint64_t>(article), .stopAtEnd = false});
    proposed += g.engaged.at("draft.proposed");
    accepted += g.engaged.at("draft.accepted");
  }
  return accepted / proposed;
}

TEST(Speculative, AcceptsDraftsAsOftenAsTheModelCardSays) {
  // Eight prompts of another sample than the card's 64: their mean scatters by some 0.04.
  const auto card = read("resources/models/ts-2m-draft/speculative-ts-16m.json");
  EXPECT_NEAR(acceptance(plan("speculative:drafter=model,length=4")),
              card["greedy"]["accepted_share_of_drafted"].get<double>(), 0.12);
  EXPECT_NEAR(acceptance(plan("speculative:drafter=model,length=4", {"temperature:t=1"})),
              card["temperature_1"]["accepted_share_of_drafted"].get<double>(), 0.1);
}

TEST(Speculative, RefusesADraftModelOfAnotherVocabulary) {
  auto other = std::make_shared<Model>(*load("embedded:ts-2m-draft").value());
  other->tokenizer = nullptr;
  const auto g = generate(target(), plan("speculative:drafter=model"), prompt(),
                          {.load = [&](auto&) -> Result<std::shared_ptr<const Model>> { return other; }}, pool());
  ASSERT_FALSE(g);
  EXPECT_EQ(g.error().kind, ErrorKind::Refused);
  EXPECT_THAT(g.error().message, HasSubstr("vocabulary must be the target's"));
}

TEST(Generate, ADrawFollowsItsSeed) {
  const auto one = plan("", {"temperature:t=0.9", "top-p:p=0.95"});
  const auto a = run(one, prompt(), {.tokens = 40, .seed = 1}), b = run(one, prompt(), {.tokens = 40, .seed = 1}),
             c = run(one, prompt(), {.tokens = 40, .seed = 2});
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_NE(a.ids, c.ids);
  EXPECT_GT(a.engaged.at("sample.candidates"), 1);
  EXPECT_LT(a.engaged.at("sample.candidates"), 8192);
}

TEST(Generate, StreamsTheTextInWholeCharactersAndTimesEachToken) {
  std::string streamed;
  std::vector<int> ids;
  const auto g = run(plan("speculative:drafter=model", {"temperature:t=1.5"}), prompt(),
                     {.tokens = 100, .seed = 3, .stopAtEnd = false}, [&](int id, std::string_view text) {
                       if (id >= 0) ids.push_back(id);
                       streamed += text;
                     });
  EXPECT_EQ(ids, g.ids);
  EXPECT_EQ(streamed, g.text);
  EXPECT_EQ(g.stopReason, "length");
  EXPECT_EQ(g.gapsMs.size(), g.ids.size() - 1);
  EXPECT_GT(g.ttftMs, 0);
  EXPECT_GT(g.decodeTokensPerSecond, 0);
  EXPECT_GT(g.memory.draft, 3'000'000u);
  EXPECT_GT(g.memory.weights, 30'000'000u);
  EXPECT_TRUE(g.engaged.contains("kv.rows"));
  const auto greedy = run(plan("greedy"), prompt(), {.tokens = 60});
  EXPECT_EQ(greedy.text, textOf(greedy));
  EXPECT_EQ(greedy.memory.draft, 0u);
}

TEST(Generate, EndsAtAStopTokenAtTheContextAndAtZeroTokens) {
  auto stopping = std::make_shared<Model>(*target());
  const auto free = run(plan("greedy"), prompt(), {.tokens = 30, .stopAtEnd = false});
  stopping->stopIds = {free.ids[10]};
  const auto first = std::find(free.ids.begin(), free.ids.end(), free.ids[10]) - free.ids.begin();
  for (const char* decode : {"greedy", "speculative:drafter=model,length=8"}) {
    const auto g = generate(stopping, plan(decode), prompt(), {.tokens = 30, .load = load}, pool()).value();
    EXPECT_EQ(g.stopReason, "stop-token");
    EXPECT_EQ(g.ids, std::vector<int>(free.ids.begin(), free.ids.begin() + first + 1)) << decode;
  }
  auto small = std::make_shared<Model>(*target());
  small->config.contextLength = static_cast<std::int64_t>(prompt().size()) + 9;
  for (const char* decode : {"greedy", "speculative:drafter=ngram"}) {
    const auto g = generate(small, plan(decode), prompt(), {.tokens = 30}, pool()).value();
    EXPECT_EQ(g.stopReason, "context");
    EXPECT_EQ(g.ids, std::vector<int>(free.ids.begin(), free.ids.begin() + 10))
        << "nine run, the tenth chosen after them";
  }
  const auto none = run(plan("greedy"), prompt(), {.tokens = 0});
  EXPECT_EQ(none.stopReason, "length");
  EXPECT_TRUE(none.ids.empty());
}

TEST(Generate, StopsWithinATenthOfASecondAndKeepsWhatThereIs) {
  std::stop_source source;
  std::chrono::steady_clock::time_point asked;
  int seen = 0;
  const auto g = run(
      plan("greedy"), prompt(), {.tokens = 900, .stopAtEnd = false},
      [&](int, std::string_view) {
        if (++seen == 5) source.request_stop(), asked = std::chrono::steady_clock::now();
      },
      source.get_token());
  EXPECT_EQ(g.stopReason, "cancelled");
  EXPECT_EQ(g.ids.size(), 5u);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::milliseconds(100));
}

TEST(Generate, RefusesWhatCannotHold) {
  const auto refused = [&](const Plan& p, std::span<const int> ids) {
    const auto g = generate(target(), p, ids, {.load = load}, pool());
    return g ? std::string() : g.error().message;
  };
  EXPECT_THAT(refused(plan("greedy", {"top-p"}), prompt()), testing::AllOf(HasSubstr("'top-p' needs 'sampling'"), HasSubstr("--decode sample, --decode speculative would")));
  EXPECT_EQ(refused(plan("greedy", {"repetition-penalty"}), prompt()), "");
  EXPECT_THAT(refused(plan("greedy"), {}), HasSubstr("at least one"));
  EXPECT_THAT(refused(plan("greedy"), std::vector<int>{8192}), HasSubstr("vocabulary of 8192"));
  EXPECT_THAT(refused(plan("greedy"), std::vector<int>(1025, 5)), HasSubstr("context of 1024"));
}

TEST(Searches, BestOfFindsALikelierTextThanOneDraw) {
  auto several = plan("", {"temperature:t=1"});
  several.search = parseStrategy("best-of:n=6", "--search").value();
  const auto g = run(several, prompt(), {.tokens = 30, .seed = 4});
  EXPECT_EQ(g.engaged.at("search.candidates"), 6);
  EXPECT_GT(g.engaged.at("search.best_score"), g.engaged.at("search.mean_score"));
  EXPECT_EQ(g.text, textOf(g));
  // The session with the prompt and one continuation's are alive together.
  EXPECT_GE(static_cast<double>(g.memory.kv), 1.9 * static_cast<double>(run(plan("", {"temperature:t=1"}), prompt(), {.tokens = 1}).memory.kv));
  several.decode = parseStrategy("speculative:drafter=model", "--decode").value();
  EXPECT_EQ(run(several, prompt(), {.tokens = 30, .seed = 4}).engaged.at("search.candidates"), 6);
  several.sample.clear();
  EXPECT_FALSE(generate(target(), several, prompt(), {.load = load}, pool())) << "nothing draws";
}

}  // namespace
}  // namespace ts
