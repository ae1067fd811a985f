// SPDX-License-Identifier: GPL-3.0-or-later
// Verbs that run a model: generate, eval, bench, compress.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/app/cli.h"

namespace ts::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const fs::path kModels = fs::path(TS_SOURCE_DIR) / "resources/models";

/// Tokens before the first at which the independent implementation itself was nearly undecided.
std::size_t decidedTokens(const Json& greedy) {
  std::size_t n = 0;
  while (n < greedy["top1_minus_top2"].size() && greedy["top1_minus_top2"][n].get<double>() > 0.01) ++n;
  return n;
}

TEST(Generate, GreedyTextIsThatOfAnIndependentImplementation) {
  const Json reference = Json::parse(readFile(kModels / "ts-16m/reference.json"));
  for (const Json& greedy : reference["greedy"]) {
    const Json got = cliJson({"generate", kModel, "--prompt", greedy["prompt"], "--tokens", "64", "--no-stop"});
    ASSERT_EQ(missingKeys(got, {"prompt_ids", "ids", "text", "stop_reason", "ttft_ms", "decode_tokens_per_s", "engaged"}), "");
    EXPECT_EQ(got["prompt_ids"], greedy["prompt_ids"]);
    ASSERT_EQ(got["ids"].size(), 64u);
    EXPECT_EQ(got["stop_reason"], "length");
    for (std::size_t i = 0; i < decidedTokens(greedy); ++i) ASSERT_EQ(got["ids"][i], greedy["continuation_ids"][i]) << greedy["prompt"] << " token " << i;
  }
}

TEST(Generate, SpeculationChangesNothingButTheSpeed) {
  const std::vector<std::string> base{"generate", kModel, "--prompt", "She opened the door and", "--tokens", "48"};
  const Json plain = cliJson(base);
  for (const std::string decode : {"speculative:drafter=ngram,length=4", "speculative:drafter=model,draft=embedded:ts-2m-draft,length=4"}) {
    std::vector<std::string> arguments = base;
    arguments.insert(arguments.end(), {"--decode", decode});
    const Json drafted = cliJson(arguments);
    EXPECT_EQ(drafted["ids"], plain["ids"]) << decode;
    EXPECT_GT(drafted["engaged"].value("draft.proposed", 0.0), 0) << drafted["engaged"];
  }
}

TEST(Generate, ASeedGivesTheSameTextAgainAndAnotherSeedAnother) {
  const auto sampled = [](const std::string& seed) {
    return cliJson({"generate", kModel, "--prompt", "The", "--tokens", "24", "--sample", "temperature:t=1", "--sample", "top-p:p=0.95", "--seed", seed})["ids"];
  };
  EXPECT_EQ(sampled("1"), sampled("1"));
  EXPECT_NE(sampled("1"), sampled("2"));
}

TEST(Generate, TextGoesToStandardOutputAndMeasuresToStandardError) {
  const Outcome outcome = cli({"generate", kModel, "--prompt", "The history of the city begins", "--tokens", "8"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, " with the arrival of the first European settlers\n");
  EXPECT_THAT(outcome.err, HasSubstr("tokens/s"));
}

TEST(Generate, ACombinationThatCannotHoldIsRefusedWithItsReason) {
  EXPECT_THAT(cliError({"generate", kModel, "--prompt", "a", "--kv", "q8", "--kv", "q4"}), AllOf(HasSubstr("q8"), HasSubstr("q4")));
}

TEST(Generate, AChatNeedsATemplate) { EXPECT_THAT(cliError({"generate", kModel, "--prompt", "Hello", "--chat"}), HasSubstr("chat template")); }

TEST(Eval, PerplexityOfTheFirstChunksIsThatOfAnIndependentImplementation) {
  const Json got = cliJson({"eval", kModel, "--task", "wikitext2", "--limit", "2", "--context", "512"});
  ASSERT_EQ(missingKeys(got, {"task", "metrics.perplexity.value", "metrics.perplexity.stderr", "metrics.perplexity.n", "seconds", "engaged"}), "");
  const double value = got["metrics"]["perplexity"]["value"];
  constexpr double kReference = 36.823252;  // numpy, float32, the same two chunks (llama.cpp's protocol)
  EXPECT_NEAR(value / kReference, 1, 1e-3);
  EXPECT_GT(got["metrics"]["perplexity"]["stderr"], 0);
}

TEST(Eval, AgainstTheDenseModelItMeasuresDivergence) {
  const Json got = cliJson({"eval", kModel, "--limit", "1", "--context", "256", "--weights", "q4:group=32", "--against", "dense"});
  ASSERT_EQ(missingKeys(got, {"kl.mean", "kl.median", "kl.p99", "kl.same_top", "paired"}), "");
  EXPECT_GT(got["kl"]["mean"], 0);
  EXPECT_LT(got["kl"]["mean"], 1);
  EXPECT_GT(got["kl"]["same_top"], 0.5);
}

TEST(Eval, ScoresTheUsersOwnText) {
  Folder folder;
  std::string text;
  for (int i = 0; i < 60; ++i) text += "The quick brown fox jumps over the lazy dog. ";
  writeFile(folder / "own.txt", text);
  const Json got = cliJson({"eval", kDraft, "--data", folder / "own.txt", "--context", "128"});
  EXPECT_GT(got["metrics"]["perplexity"]["value"], 1);
  EXPECT_THAT(cliError({"eval", kDraft, "--data", folder / "none.txt"}), HasSubstr("none.txt"));
}

TEST(Bench, MeasuresSpeedLatencyAndBytes) {
  const Json got = cliJson({"bench", kDraft, "--prompt", "32", "--generate", "16", "--repetitions", "3"});
  ASSERT_EQ(missingKeys(got, {"prefill_tokens_per_s", "decode_tokens_per_s", "ttft_ms", "itl_ms.p50", "itl_ms.p90", "itl_ms.p99", "read_bandwidth_gb_s",
                              "bandwidth_used", "bytes.weights", "bytes.kv", "bytes.scratch", "bytes.draft", "peak_bytes"}),
            "");
  EXPECT_GT(got["prefill_tokens_per_s"], 0);
  EXPECT_GT(got["decode_tokens_per_s"], 0);
  EXPECT_GE(got["itl_ms"]["p99"], got["itl_ms"]["p50"]);
  EXPECT_GT(got["bytes"]["weights"], 3'000'000);
  EXPECT_GT(got["peak_bytes"], got["bytes"]["weights"]);
}

TEST(Bench, PlacesOperationsUnderTheRoofAndTellsLayersApart) {
  const Json got = cliJson({"bench", kDraft, "--prompt", "32", "--generate", "8", "--repetitions", "1", "--no-child"});
  EXPECT_GT(got["arithmetic"]["float_gops"], 0);
  EXPECT_FALSE(got["isa"].get<std::string>().empty());
  EXPECT_EQ(missingKeys(got["one_row"], {"asks", "forced", "asked_gb_s", "alone_gb_s"}), "");
  EXPECT_EQ(got["blocks_in_lanes"], 0) << "exact activations";
  for (const char* phase : {"operations", "prefill_operations"}) {
    const Json& linear = got[phase]["linear"];
    ASSERT_EQ(missingKeys(linear, {"bytes", "operations", "nanoseconds", "calls", "gb_per_s", "gops", "roofline.operations_per_byte", "roofline.roof_gops", "roofline.of_roof"}), "") << phase;
    EXPECT_NEAR(linear["roofline"]["of_roof"].get<double>() * linear["roofline"]["roof_gops"].get<double>(), linear["gops"].get<double>(), 1e-6 * linear["gops"].get<double>());
    EXPECT_FALSE(got[phase]["norm"].contains("roofline")) << "without operations of its own it has no place";
  }
  EXPECT_GT(got["prefill_operations"]["linear"]["roofline"]["operations_per_byte"], got["operations"]["linear"]["roofline"]["operations_per_byte"]);
  const Json info = cliJson({"info", kDraft});
  ASSERT_EQ(got["layers"].size(), info["layers"].get<std::size_t>());
  std::uint64_t bytes = 0;
  for (const Json& layer : got["layers"]) bytes += layer["linear"]["bytes"].get<std::uint64_t>();
  EXPECT_EQ(bytes, got["operations"]["linear"]["bytes"].get<std::uint64_t>());
  EXPECT_THAT(cli({"bench", kDraft, "--prompt", "8", "--generate", "4", "--repetitions", "1", "--no-child", "--layers"}).out, HasSubstr("by layer"));
}

TEST(Bench, ForetellsWhatAPromptsRowsTakeBeforeTheyAreEncoded) {
  for (const char* kv : {"q8", "f16"}) {
    const Json memory = cliJson({"bench", kModel, "--prompt", "512", "--generate", "16", "--repetitions", "1", "--only-memory", "--kv", kv})["memory"];
    EXPECT_GT(memory["forecast"]["passing"], 0);
    EXPECT_NEAR(memory["forecast"]["total"].get<double>() / memory["peak_bytes"].get<double>(), 1, 0.08) << kv << memory.dump(1);
  }
}

TEST(Bench, ForetellsThePeakOfAProcessOfItsOwn) {
  const Json got = cliJson({"bench", kModel, "--prompt", "64", "--generate", "16", "--repetitions", "1", "--warmup", "0"});
  ASSERT_EQ(missingKeys(got, {"memory.peak_bytes", "memory.load_peak_bytes", "memory.not_counted_bytes", "memory.forecast.total", "memory.forecast.bytes.kv"}), "");
  EXPECT_EQ(got["peak_bytes"], got["memory"]["peak_bytes"]);
  EXPECT_GT(got["memory"]["not_counted_bytes"], 0);
  EXPECT_NEAR(got["memory"]["forecast_over_measured"].get<double>(), 1, 0.1);
  EXPECT_TRUE(cliJson({"bench", kDraft, "--prompt", "8", "--generate", "1", "--repetitions", "1", "--no-child"})["memory"].is_null());
}

TEST(Bench, OneTokenHasNoDecodeSpeedAndSeveralDepthsGiveSpeedsEach) {
  const Json got = cliJson({"bench", kDraft, "--prompt", "8", "--generate", "1", "--repetitions", "1", "--no-child"});
  EXPECT_TRUE(got["decode_tokens_per_s"].is_null());
  EXPECT_GT(got["ttft_ms"], 0);
  const Json depths = cliJson({"bench", kDraft, "--prompt", "8", "--generate", "4", "--repetitions", "5", "--depth", "0,32", "--depth", "64", "--no-child"});
  ASSERT_EQ(depths["depths"].size(), 2u);
  EXPECT_EQ(depths["depths"][1]["depth"], 64);
  EXPECT_EQ(depths["spread"]["decode_tokens_per_s"]["confidence"], 0.9375);
}

TEST(Bench, ACompressedModelTakesFewerBytes) {
  const std::vector<std::string> base{"bench", kDraft, "--prompt", "8", "--generate", "4", "--repetitions", "1"};
  std::vector<std::string> q8 = base;
  q8.insert(q8.end(), {"--weights", "q8"});
  const Json small = cliJson(q8);
  EXPECT_LT(small["bytes"]["weights"].get<double>(), 0.6 * cliJson(base)["bytes"]["weights"].get<double>());
  EXPECT_FALSE(small["engaged"].empty());
}

TEST(Compress, WritesAModelThatSaysTheSame) {
  Folder folder;
  const std::string file = folder / "q8.gguf";
  const Json written = cliJson({"compress", kDraft, "--out", file, "--weights", "q8"});
  ASSERT_EQ(missingKeys(written, {"path", "bytes"}), "");
  EXPECT_EQ(written["bytes"], fs::file_size(file));
  EXPECT_LT(fs::file_size(file), fs::file_size(kModels / "ts-2m-draft/model.safetensors"));
  const std::vector<std::string> rest{"--prompt", "The history of", "--tokens", "24"};
  std::vector<std::string> direct{"generate", kDraft, "--weights", "q8"}, reread{"generate", file};
  direct.insert(direct.end(), rest.begin(), rest.end());
  reread.insert(reread.end(), rest.begin(), rest.end());
  EXPECT_EQ(cliJson(direct)["ids"], cliJson(reread)["ids"]);
}

TEST(Compress, AFullDiskLeavesNothingBehind) {
  Folder folder;
  EXPECT_THAT(cliError({"compress", kDraft, "--out", folder / "model.gguf"}, 1, {.fileBytes = 1'000'000}), HasSubstr("model.gguf"));
  EXPECT_THAT(folder.names(), testing::IsEmpty());
}

TEST(Compress, AFolderThatIsNotThereIsNamed) { EXPECT_THAT(cliError({"compress", kDraft, "--out", "/no/such/folder/model.gguf"}), HasSubstr("/no/such/folder")); }

}  // namespace
}  // namespace ts::test
