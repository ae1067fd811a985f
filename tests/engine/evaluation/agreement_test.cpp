// SPDX-License-Identifier: GPL-3.0-or-later
// Whole figures against other programs. tests/agreement/ has the long table; these are the parts a test run can afford, and more
// where TRADESPACE_REFERENCE names the reference data.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/evaluation/support.h"

namespace ts {
namespace {

const fs::path kData = fs::path(TS_SOURCE_DIR) / "tests/data/evaluation";

// llama.cpp rounds activations to eight bits; beside a coarse quantization that is little, but not nothing: 5 %.
TEST(Agreement, DivergenceIsThatOfLlamaCpp) {
  const Json peer = Json::parse(std::ifstream(kData / "llama-kl.json"));
  const auto dense = load(resourceFolder() / "models/ts-2m-draft"), coarse = load(kData / "ts-2m-draft-q4_0.gguf");
  const auto result = evaluate(coarse, dense, {}, {.task = "wikitext2", .limit = peer["chunks"], .againstDense = true}, pool());
  ASSERT_TRUE(result) << result.error().message;
  const KlStatistics& kl = *result->kl;
  const auto near = [&](const char* name, double ours, double bound = 0.05) {
    EXPECT_NEAR(ours / peer[name].get<double>(), 1, bound) << name << ": " << ours << " and " << peer[name];
  };
  near("perplexity", kl.perplexity.value, 0.005);
  near("dense_perplexity", kl.densePerplexity.value, 0.001);
  near("correlation", kl.correlation, 0.002);
  near("log_perplexity_ratio", kl.logPerplexityRatio);
  near("mean", kl.mean);
  near("mean_stderr", kl.meanStderr);
  near("median", kl.median());
  near("p10", KlStatistics::at(kl.divergence, 0.10));
  near("p90", KlStatistics::at(kl.divergence, 0.90));
  near("p95", KlStatistics::at(kl.divergence, 0.95));
  near("p99", kl.p99());
  near("mean_delta_p", kl.meanDeltaP);
  near("rms_delta_p", kl.rmsDeltaP);
  near("rms_delta_p_stderr", kl.rmsDeltaPStderr);
  near("delta_p5", KlStatistics::at(kl.deltaP, 0.05), 0.10);  // the 77th of 1,530 values: tails feel the int8 most
  near("delta_p95", KlStatistics::at(kl.deltaP, 0.95), 0.10);
  near("same_top", kl.sameTop);
  near("same_top_stderr", kl.sameTopStderr);
}

TEST(Agreement, PerplexityOfTheWholeTextIsThatOfPyTorch) {
  if (!std::getenv("TRADESPACE_REFERENCE")) GTEST_SKIP() << "five minutes; set TRADESPACE_REFERENCE to run it";
  const Json reference = Json::parse(std::ifstream(resourceFolder() / "models/ts-16m/reference.json"));
  const double expected = reference["perplexity"]["chunked_512"]["targets_257_to_511"]["perplexity_per_exit"].back();
  const EvaluationResult result = run(embedded(), {.task = "wikitext2"});
  EXPECT_EQ(result.samples.size(), 695u);
  EXPECT_NEAR(result.metrics.at("perplexity").value / expected, 1, 1e-3);
}

TEST(Agreement, PerplexityOfSmolLm2IsTheExactOneAndNearLlamaCpps) {
  const char* folder = std::getenv("TRADESPACE_REFERENCE");
  if (!folder) GTEST_SKIP() << "minutes; set TRADESPACE_REFERENCE to run it";
  const fs::path path = fetched("SmolLM2-135M-Instruct.Q4_1.gguf");
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const fs::path data = fs::path(folder) / "reference";
  const Json exact = Json::parse(std::ifstream(data / "smollm2-135m-instruct-q4_1.json")), peer = Json::parse(std::ifstream(data / "llama-cpp.json"));
  const double value = run(load(path), {.task = "wikitext2", .limit = 32}).metrics.at("perplexity").value;
  EXPECT_NEAR(value / exact["wikitext2"]["perplexity"].get<double>(), 1, 1e-3);
  EXPECT_NEAR(value / peer["perplexity_32_chunks"]["q4_1"].get<double>(), 1, 5e-3);
}

TEST(InformationCapacity, FollowsThePublishedFormula) {
  const EvaluationResult result = run(load(resourceFolder() / "models/ts-2m-draft"), {.task = "information-capacity", .limit = 2});
  const auto metric = [&](const char* name) { return result.metrics.at(name).value; };
  const auto config = load(resourceFolder() / "models/ts-2m-draft")->config;
  // flops.py for T = 1024 tokens from an empty cache: projections, gated MLP, attention over 0 .. T - 1, head.
  const double d = config.hidden, ff = config.intermediate, kv = d / config.heads * config.kvHeads, layers = config.layerCount(), t = 1024;
  const double total = layers * (t * (4 * d * d + 4 * d * kv + 6 * d * ff) + 4 * d * (t * (t - 1) / 2)) + 2 * t * d * config.vocabulary;
  EXPECT_NEAR(metric("flops_per_token"), total / t, 1);
  double text = 0, nll = 0, tokens = 0;
  for (const Sample& s : result.samples) {
    EXPECT_EQ(s.values.at("tokens"), 1023);
    text += 8 * s.values.at("bytes") / s.values.at("tokens") / 2;
    nll += s.values.at("nll");
    tokens += s.values.at("tokens");
  }
  EXPECT_NEAR(metric("gained_bits_per_token"), text - nll / tokens / std::log(2.0), 1e-9);
  EXPECT_NEAR(metric("information_capacity"), (text - nll / tokens / std::log(2.0) - 27) / std::log2(total / t), 1e-9);
  EXPECT_GT(metric("gained_bits_per_byte_read"), 0);
  EXPECT_GT(metric("gained_bits_per_ms"), 0);
}

TEST(InformationCapacity, BytesReadFollowTheWeights) {
  const auto dense = load(resourceFolder() / "models/ts-2m-draft"), coarse = load(kData / "ts-2m-draft-q4_0.gguf");
  const EvaluationOptions options{.task = "information-capacity", .limit = 1};
  EXPECT_GT(run(coarse, options).metrics.at("gained_bits_per_byte_read").value, 2 * run(dense, options).metrics.at("gained_bits_per_byte_read").value);
}

TEST(Arithmetic, TakesTheNumberAloneAndCountsTokensForE3) {
  const EvaluationResult result = run(embedded(), {.task = "arithmetic", .limit = 4});
  EXPECT_EQ(result.metrics.at("acc").n, 4);
  const double a = 100 * result.metrics.at("acc").value, t = result.metrics.at("tokens_per_item").value;
  EXPECT_NEAR(result.metrics.at("e3").value, a * a / t, 1e-9);
  // What the model answers is right when it is asked for.
  const OwnFile data(R"({"question": "What is 1 plus 1?", "answer": "no number"})" "\n");
  EXPECT_EQ(run(embedded(), {.task = "arithmetic", .data = data.path}).metrics.at("acc").value, 0);
}

}  // namespace
}  // namespace ts
