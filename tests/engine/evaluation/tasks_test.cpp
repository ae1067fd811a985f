// SPDX-License-Identifier: GPL-3.0-or-later
// Tasks against what lm-evaluation-harness and other independent programs computed.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/evaluation/choice.h"
#include "tests/engine/evaluation/support.h"

namespace ts {
namespace {

const fs::path kData = fs::path(TS_SOURCE_DIR) / "tests/data/evaluation";

// Each choice's log-likelihood within 0.02 of the harness's; acc and acc_norm as they follow from its numbers.
void expectChoices(const std::shared_ptr<const Model>& model, const std::string& file, std::int64_t limit) {
  const Json reference = Json::parse(std::ifstream(kData / file));
  for (const auto& [name, expected] : reference["tasks"].items()) {
    const std::int64_t items = std::min(limit, expected["items"].get<std::int64_t>());
    const bool dealt = name == "mmlu";  // taken evenly over subjects: the harness took the first lines
    const OwnFile first(dealt ? firstLines("mmlu.test.jsonl.xz", items) : "");
    const EvaluationResult result =
        run(model, {.task = name == "lambada_openai" ? "lambada" : name, .data = dealt ? first.path : fs::path(), .limit = items});
    ASSERT_EQ(static_cast<std::int64_t>(result.samples.size()), items) << name;
    for (std::size_t i = 0; i < result.samples.size(); ++i) {
      const Json& entry = expected["table"][i];
      for (std::size_t c = 0; c < entry["ll"].size(); ++c)
        EXPECT_NEAR(result.samples[i].values.at("ll" + std::to_string(c)), entry["ll"][c].get<double>(), 0.02) << name << " item " << i;
      const bool greedy = entry.value("greedy", result.samples[i].values.at("correct") == 1);
      EXPECT_EQ(result.samples[i].values.at("correct") == 1, greedy) << name << " item " << i;
    }
    if (items < expected["items"].get<std::int64_t>()) continue;
    EXPECT_DOUBLE_EQ(result.metrics.at("acc").value, expected["acc"].get<double>()) << name;
    if (result.metrics.contains("acc_norm") && expected.contains("acc_norm")) {
      EXPECT_DOUBLE_EQ(result.metrics.at("acc_norm").value, expected["acc_norm"].get<double>()) << name;
    }
  }
}

bool extended() { return std::getenv("TRADESPACE_REFERENCE") != nullptr; }

TEST(Tasks, AgreeWithTheHarnessOnTheEmbeddedModel) { expectChoices(embedded(), "choices-ts-16m.json", extended() ? 1000 : 8); }

TEST(Tasks, AgreeWithTheHarnessOnSmolLm2) {
  const fs::path path = fetched("SmolLM2-135M-Instruct.Q4_1.gguf");
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  expectChoices(load(path), "choices-smollm2-135m-instruct-q4_1.json", extended() ? 1000 : 2);
}

TEST(Tasks, PerplexityOfSmolLm2InLlamaCppsProtocol) {
  const fs::path path = fetched("SmolLM2-135M-Instruct.Q4_1.gguf");
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  // Mean negative log-likelihood of each of the first chunks, by numpy in float32.
  const std::vector<double> expected = {2.561436495672043, 3.5627481075771703};
  const EvaluationResult result = run(load(path), {.task = "wikitext2", .limit = extended() ? 2 : 1});
  for (std::size_t i = 0; i < result.samples.size(); ++i) {
    const auto& v = result.samples[i].values;
    EXPECT_EQ(v.at("tokens"), 255);
    EXPECT_NEAR(v.at("nll") / v.at("tokens"), expected[i], 1e-3);
  }
}

TEST(Tasks, EqualModelsDoNotDiffer) {
  const EvaluationResult result = run(embedded(), {.task = "wikitext2", .limit = 2, .context = 64, .againstDense = true});
  ASSERT_TRUE(result.kl);
  EXPECT_EQ(result.kl->n, 2 * 31);
  EXPECT_NEAR(result.kl->mean, 0, 1e-9);
  EXPECT_EQ(result.kl->sameTop, 1);
  EXPECT_EQ(result.paired.at("perplexity").value, 0);
  EXPECT_NEAR(result.kl->perplexity.value, result.metrics.at("perplexity").value, 1e-9);
}

TEST(Tasks, LockstepDoesNotChangeTheScores) {
  const EvaluationResult alone = run(embedded(), {.task = "wikitext2", .limit = 2, .context = 128});
  const EvaluationResult both = run(embedded(), {.task = "wikitext2", .limit = 2, .context = 128, .againstDense = true});
  EXPECT_NEAR(alone.metrics.at("perplexity").value, both.metrics.at("perplexity").value, 1e-3);
  const EvaluationResult choices = run(embedded(), {.task = "arc_easy", .limit = 3, .againstDense = true});
  EXPECT_EQ(choices.dense.at("acc").value, choices.metrics.at("acc").value);
  EXPECT_EQ(choices.paired.at("acc_norm").value, 0);
}

TEST(Tasks, StridedWindowsCountEveryTokenOnce) {
  const EvaluationResult whole = run(embedded(), {.task = "wikitext2-strided", .limit = 3, .context = 64});
  ASSERT_EQ(whole.samples.size(), 3u);
  EXPECT_EQ(whole.samples[0].values.at("tokens"), 63);
  EXPECT_EQ(whole.samples[1].values.at("tokens"), 32);
  EXPECT_GT(whole.metrics.at("bits_per_byte").value, 0.5);
}

TEST(Tasks, TakeTheUsersOwnData) {
  const fs::path path = fs::temp_directory_path() / "tradespace-own-choices.jsonl";
  std::ofstream(path) << R"({"query": "The capital of France is", "choices": ["Paris.", "zzzz"], "gold": 0})" << "\n\n"
                      << R"({"context": "One two three", "continuation": "four"})" << "\n";
  const EvaluationResult result = run(embedded(), {.task = "choices", .data = path});
  EXPECT_EQ(result.samples.size(), 2u);
  EXPECT_EQ(result.samples[0].values.at("correct"), 1);
  std::ofstream(path) << R"({"query": "x", "choices": ["a", "b"], "gold": 2})" << "\n";
  const auto wrong = evaluate(embedded(), nullptr, {}, {.task = "choices", .data = path}, pool());
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("\"gold\""), std::string::npos);
  EXPECT_NE(wrong.error().where.find("line 1"), std::string::npos);
  fs::remove(path);
}

TEST(Tasks, SayWhatIsMissing) {
  const auto unknown = evaluate(embedded(), nullptr, {}, {.task = "nosuch"}, pool());
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("wikitext2"), std::string::npos);
  const auto none = evaluate(embedded(), nullptr, {}, {.task = "choices"}, pool());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().where, "--data");
}

TEST(Tasks, StopWhenAsked) {
  std::stop_source source;
  EvaluationHooks hooks;
  hooks.stop = source.get_token();
  hooks.sample = [&](const Sample&) { source.request_stop(); };
  const auto result = evaluate(embedded(), nullptr, {}, {.task = "wikitext2", .context = 64}, pool(), hooks);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Cancelled);
}

TEST(GenerationTasks, AskUnderTheWholePlan) {
  Plan speculative;
  speculative.decode = StrategySpec{"speculative", {{"drafter", std::string("ngram")}}};
  for (const char* task : {"passkey", "kv_retrieval"}) {
    const EvaluationOptions options{.task = task, .limit = 2, .context = 128};
    const EvaluationResult plain = run(embedded(), options);
    const EvaluationResult drafted = run(embedded(), options, speculative);
    ASSERT_EQ(plain.samples.size(), 2u) << task;
    EXPECT_EQ(plain.metrics.at("acc").n, 2) << task;
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(plain.samples[i].values.at("tokens"), drafted.samples[i].values.at("tokens")) << task;  // greedy text is the same
      EXPECT_LE(plain.samples[i].values.at("length"), 128);
    }
    EXPECT_GT(drafted.engaged.size(), plain.engaged.size()) << task;
  }
  EXPECT_EQ(run(embedded(), {.task = "gsm8k", .limit = 1}).metrics.at("acc").n, 1);
  const auto refused = evaluate(embedded(), nullptr, {}, {.task = "agreement"}, pool());
  ASSERT_FALSE(refused);
  const EvaluationResult same = run(embedded(), {.task = "agreement", .limit = 1, .context = 64, .againstDense = true});
  EXPECT_EQ(same.metrics.at("agreement").value, 1);
}

TEST(EncodePair, PutsTrailingSpacesIntoTheContinuation) {
  const Tokenizer& t = *embedded()->tokenizer;
  const EncodedPair with = encodePair(t, "The dog ", "ran", false), without = encodePair(t, "The dog", " ran", false);
  EXPECT_EQ(with.tokens, without.tokens);
  EXPECT_EQ(with.first, without.first);
  EXPECT_EQ(with.first, 2);
}

}  // namespace
}  // namespace ts
