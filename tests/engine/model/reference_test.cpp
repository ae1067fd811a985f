// SPDX-License-Identifier: GPL-3.0-or-later
// Real models against what independent float32 programs computed: the embedded ones always, others when they are there
// (TRADESPACE_REFERENCE names the folder of references, TRADESPACE_MODELS the one of fetched models).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/formats/tokenizer.h"
#include "engine/session/session.h"

namespace ts {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

ThreadPool& pool() {
  static ThreadPool instance(1);  // tests run side by side
  return instance;
}

std::shared_ptr<const Model> load(const fs::path& path) {
  const auto checkpoint = openCheckpoint(path);
  if (!checkpoint) throw std::runtime_error(checkpoint.error().message + " (" + checkpoint.error().where + ")");
  const auto model = buildModel(*checkpoint, pool());
  if (!model) throw std::runtime_error(model.error().message);
  return *model;
}

std::vector<float> logitsAfter(const std::shared_ptr<const Model>& model, const std::vector<int>& ids) {
  const auto session = *Session::open(model, pool(), {});
  std::vector<float> last;
  EXPECT_TRUE(session->prefill(ids, static_cast<std::int64_t>(ids.size()) - 1, [&](std::int64_t, std::span<const float> l) { last.assign(l.begin(), l.end()); }));
  return last;
}

/// Greedy tokens agree up to the first whose recorded margin is too small to be exact.
void expectGreedy(const std::shared_ptr<const Model>& model, const std::vector<int>& prompt, const std::vector<int>& expected, const std::vector<double>& margins) {
  const auto session = *Session::open(model, pool(), {});
  std::vector<float> last;
  ASSERT_TRUE(session->prefill(prompt, static_cast<std::int64_t>(prompt.size()) - 1, [&](std::int64_t, std::span<const float> l) { last.assign(l.begin(), l.end()); }));
  for (std::size_t i = 0; i < expected.size() && margins[i] > 0.01; ++i) {
    const int next = static_cast<int>(std::max_element(last.begin(), last.end()) - last.begin());
    ASSERT_EQ(next, expected[i]) << "token " << i << ", margin " << margins[i];
    ASSERT_TRUE(session->decode(DraftTree::chain(std::span(&next, 1))));
    const auto logits = session->logits(0);
    last.assign(logits.begin(), logits.end());
    const int node = 0;
    session->commit(std::span(&node, 1));
  }
}

/// A model folder with the reference.json that transformers computed for it.
void expectReference(const fs::path& folder) {
  const auto reference = Json::parse(std::ifstream(folder / "reference.json"));
  const auto model = load(folder);
  for (const auto& text : reference["tokenizer"]) EXPECT_EQ(model->tokenizer->encode(text["text"].get<std::string>()), text["ids"].get<std::vector<int>>()) << text["text"];

  const auto& fixed = reference["fixed_prompt"];
  const auto session = *Session::open(model, pool(), {});
  std::size_t seen = 0;
  ASSERT_TRUE(session->prefill(fixed["ids"].get<std::vector<int>>(), 0, [&](std::int64_t i, std::span<const float> logits) {
    const auto& position = fixed["positions"][static_cast<std::size_t>(i)];
    double sum = 0;
    for (const float l : logits) sum += std::exp(static_cast<double>(l));
    EXPECT_NEAR(std::log(sum), position["logsumexp"].get<double>(), 2e-3);
    for (const auto& top : position["top5"]) EXPECT_NEAR(logits[top[0].get<std::size_t>()], top[1].get<double>(), 2e-3) << "position " << i;
    ++seen;
  }));
  EXPECT_EQ(seen, fixed["ids"].size());
  for (const auto& greedy : reference["greedy"])
    expectGreedy(model, greedy["prompt_ids"].get<std::vector<int>>(), greedy["continuation_ids"].get<std::vector<int>>(), greedy["top1_minus_top2"].get<std::vector<double>>());
}

TEST(Reference, EmbeddedModel) { expectReference(fs::path(TS_SOURCE_DIR) / "resources/models/ts-16m"); }
TEST(Reference, EmbeddedDraft) { expectReference(fs::path(TS_SOURCE_DIR) / "resources/models/ts-2m-draft"); }

TEST(Reference, SortedModel) {
  const char* references = std::getenv("TRADESPACE_REFERENCE");
  if (!references) GTEST_SKIP() << "TRADESPACE_REFERENCE is not set";
  expectReference(fs::path(references) / "models/ts-16m-sorted");
}

TEST(Reference, SmolLm2InQ4_1) {
  const char* references = std::getenv("TRADESPACE_REFERENCE");
  const char* home = std::getenv("HOME");
  const char* models = std::getenv("TRADESPACE_MODELS");
  const fs::path file = (models ? fs::path(models) : fs::path(home ? home : ".") / ".cache/tradespace-models") / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!references || !fs::exists(file)) GTEST_SKIP() << "needs TRADESPACE_REFERENCE and packaging/fetch-models";
  const fs::path base = fs::path(references) / "reference/smollm2-135m-instruct-q4_1";
  const auto reference = Json::parse(std::ifstream(base.string() + ".json"));
  std::ifstream expected(base.string() + ".logits.f32", std::ios::binary);
  const auto model = load(file);
  for (const auto& prompt : reference["prompts"]) {
    const auto ids = prompt["ids"].get<std::vector<int>>();
    EXPECT_EQ(model->tokenizer->encode(prompt["text"].get<std::string>()), ids) << prompt["name"];
    const auto logits = logitsAfter(model, ids);
    std::vector<float> row(logits.size());
    ASSERT_TRUE(expected.read(reinterpret_cast<char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float))));
    double worst = 0;
    for (std::size_t n = 0; n < row.size(); ++n) worst = std::max<double>(worst, std::abs(row[n] - logits[n]));
    EXPECT_LT(worst, 2e-3) << prompt["name"];
    expectGreedy(model, ids, prompt["greedy_ids"].get<std::vector<int>>(), prompt["greedy_margins"].get<std::vector<double>>());
  }
}

}  // namespace
}  // namespace ts
