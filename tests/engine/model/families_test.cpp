// SPDX-License-Identifier: GPL-3.0-or-later
// The logits and greedy tokens that Hugging Face transformers computed for a tiny random model of each family, from its
// folder and from the GGUF file made of it (other names, permuted rows, Gemma's norms plus one, rope factors).
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/formats/export.h"
#include "engine/session/session.h"

namespace ts {
namespace {

class Families : public testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(Families, LogitsAndGreedyTokensAgreeWithTransformers) {
  const auto [family, throughGguf] = GetParam();
  const std::filesystem::path folder = std::filesystem::path(TS_SOURCE_DIR) / "tests/data/families" / family;
  const auto reference = nlohmann::json::parse(std::ifstream(folder / "reference.json"));
  const auto ids = reference["ids"].get<std::vector<int>>();
  const auto at = reference["logits_at"].get<std::vector<std::int64_t>>();
  const auto greedy = reference["greedy_ids"].get<std::vector<int>>();

  ThreadPool pool(1);
  auto checkpoint = openCheckpoint(folder);
  if (checkpoint && throughGguf) {
    const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / ("tradespace-" + std::to_string(::getpid()) + "-" + family + ".gguf");
    const auto written = exportGguf(path, *checkpoint, exportTensors(*checkpoint, std::nullopt));
    ASSERT_TRUE(written) << written.error().message;
    checkpoint = openCheckpoint(path);
    std::filesystem::remove(path);  // the mapping stays
  }
  ASSERT_TRUE(checkpoint) << checkpoint.error().message << " (" << checkpoint.error().where << ")";
  const auto model = buildModel(*checkpoint, pool);
  ASSERT_TRUE(model) << model.error().message;
  const auto session = Session::open(*model, pool, {});
  ASSERT_TRUE(session) << session.error().message;

  double worst = 0;
  std::vector<float> last;
  const auto done = (*session)->prefill(ids, 0, [&](std::int64_t i, std::span<const float> logits) {
    const auto found = std::find(at.begin(), at.end(), i);
    if (found != at.end()) {
      const auto expected = reference["logits"][static_cast<std::size_t>(found - at.begin())].get<std::vector<float>>();
      ASSERT_EQ(expected.size(), logits.size());
      for (std::size_t n = 0; n < expected.size(); ++n) worst = std::max<double>(worst, std::abs(expected[n] - logits[n]));
    }
    last.assign(logits.begin(), logits.end());
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_LT(worst, 2e-3);

  // Exact as far as the choice is clear: a margin of float32 noise decides nothing.
  std::size_t agreed = 0;
  for (; agreed < greedy.size(); ++agreed) {
    const int next = static_cast<int>(std::max_element(last.begin(), last.end()) - last.begin());
    const float best = std::exchange(last[static_cast<std::size_t>(next)], -1e30f);
    if (best - *std::max_element(last.begin(), last.end()) < 1e-4f) break;
    ASSERT_EQ(next, greedy[agreed]) << "token " << agreed;
    ASSERT_TRUE((*session)->decode(DraftTree::chain(std::span(&next, 1))));
    const auto logits = (*session)->logits(0);
    last.assign(logits.begin(), logits.end());
    const int node = 0;
    (*session)->commit(std::span(&node, 1));
  }
  EXPECT_GE(agreed, 8u);
}

INSTANTIATE_TEST_SUITE_P(All, Families,
                         testing::Combine(testing::Values("llama", "llama-rope-llama3", "llama-rope-yarn", "mistral", "qwen2", "qwen3", "gemma3", "phi3", "olmo2", "gpt2"),
                                          testing::Bool()),
                         [](const auto& info) {
                           std::string name = std::string(std::get<0>(info.param)) + (std::get<1>(info.param) ? "-gguf" : "");
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ts
