// SPDX-License-Identifier: GPL-3.0-or-later
// Every transform on every family: it runs, shows what it did, and does not break the model.
#include <algorithm>

#include "tests/engine/transforms/models.h"

namespace ts {
namespace {

class TransformFamilies : public testing::TestWithParam<const char*> {
 protected:
  const std::shared_ptr<const Model> model = family(GetParam());
  const std::vector<int> tokens = someTokens(40, static_cast<int>(model->embedding->rows()), 99);
  const std::vector<float> dense = logitsOf(model, tokens);

  double changeBy(std::vector<std::string> recipe) { return relativeDifference(dense, logitsOf(prepared(model, std::move(recipe)).model, tokens)); }
};

TEST_P(TransformFamilies, AnEmptyRecipeIsTheModelItself) { EXPECT_EQ(prepared(model, {}).model, model); }

TEST_P(TransformFamilies, StoringAsFloatsIsExactWhereTheFormatIs) {
  EXPECT_LT(changeBy({"f32"}), 1e-6);
  EXPECT_LT(changeBy({"f16"}), 2e-3);
  EXPECT_LT(changeBy({"bf16"}), 2e-2);
}

TEST_P(TransformFamilies, FewerBitsChangeMoreAndTakeFewerBytes) {
  double lastChange = 0, lastBytes = 1e18;
  for (const char* recipe : {"f32", "q8", "q4:head=same", "q4:bits=2,head=same"}) {
    const Prepared p = prepared(model, {recipe});
    const double change = relativeDifference(dense, logitsOf(p.model, tokens));
    EXPECT_GE(change, lastChange) << recipe;
    EXPECT_LT(p.report.at("weights.bytes_after"), lastBytes) << recipe;
    EXPECT_EQ(p.report.at("weights.bytes_after"), static_cast<double>(p.model->weightBytes()));
    lastChange = change;
    lastBytes = p.report.at("weights.bytes_after");
  }
  EXPECT_LT(changeBy({"q8"}), 0.03);
  EXPECT_LT(changeBy({"q4"}), 0.6);
}

TEST_P(TransformFamilies, GptqAndAwqBeatRoundingOnTheirOwnMeasure) {
  for (const char* recipe : {"gptq:bits=3,group=32", "gptq:bits=3,group=0,order=false", "awq:bits=3,group=32", "awq:bits=3,group=32,symmetric=false"}) {
    const std::string id = std::string(recipe).substr(0, std::string(recipe).find(':'));
    const Prepared p = prepared(model, {recipe});
    EXPECT_GT(p.report.at(id + ".matrices"), 0);
    EXPECT_LT(p.report.at(id + ".relative_error"), p.report.at(id + ".relative_error_nearest")) << recipe;
    EXPECT_LT(relativeDifference(dense, logitsOf(p.model, tokens)), 1.0) << recipe;
  }
}

TEST_P(TransformFamilies, AwqSkipsTheFoldsAnArchitectureCannotTake) {
  const Prepared p = prepared(model, {"awq"});
  const double layers = static_cast<double>(model->blocks.size());
  const bool postNorm = model->config.placement == NormPlacement::Post;
  const double skipped = layers * ((postNorm ? 2 : 0) + (model->config.gatedMlp ? 0 : 1));
  EXPECT_EQ(p.report.at("awq.folds_skipped"), skipped);
  EXPECT_EQ(p.report.at("awq.folds"), 4 * layers - skipped);
}

TEST_P(TransformFamilies, FlapWithoutSparsityIsTheModelAndWithItShrinks) {
  const Prepared none = prepared(model, {"flap:sparsity=0"});
  EXPECT_EQ(none.report.at("flap.neurons_removed"), 0);
  EXPECT_EQ(none.model->blocks[0].down.weight, model->blocks[0].down.weight);
  EXPECT_EQ(logitsOf(none.model, tokens), dense);

  const Prepared half = prepared(model, {"flap:sparsity=0.4,multiple=8"});
  EXPECT_NEAR(half.report.at("flap.sparsity"), 0.4, 0.12);
  EXPECT_GT(half.report.at("flap.neurons_removed"), 0);
  const int headDim = model->config.headDim;
  for (const Block& block : half.model->blocks) {
    EXPECT_EQ(block.q.weight->rows(), block.heads() * headDim);
    EXPECT_EQ(block.k.weight->rows(), block.kvHeads * headDim);
    EXPECT_EQ(block.o.weight->cols(), block.heads() * headDim);
    EXPECT_EQ(block.up.weight->rows(), block.intermediate);
    EXPECT_EQ(block.down.weight->cols(), block.intermediate);
    EXPECT_FALSE(block.down.bias.empty() && block.intermediate < model->config.intermediate);
    for (const int kv : block.queryToKv) EXPECT_LT(kv, block.kvHeads);
    EXPECT_TRUE(std::is_sorted(block.queryToKv.begin(), block.queryToKv.end()));
  }
  const auto logits = logitsOf(half.model, tokens);
  for (const float v : logits) ASSERT_TRUE(std::isfinite(v));
}

TEST_P(TransformFamilies, LordChangesLessWithMoreParameters) {
  for (const char* weighting : {"none", "activations"}) {
    const std::string with = std::string(",multiple=1,weighting=") + weighting;
    const Prepared much = prepared(model, {"lord:fraction=0.95" + with}), little = prepared(model, {"lord:fraction=0.3" + with});
    EXPECT_LT(relativeDifference(dense, logitsOf(much.model, tokens)), relativeDifference(dense, logitsOf(little.model, tokens)));
    EXPECT_GT(much.report.at("lord.rank_mean"), little.report.at("lord.rank_mean"));
    EXPECT_LT(little.report.at("weights.bytes_after"), little.report.at("weights.bytes_before"));
  }
}

TEST_P(TransformFamilies, ComposeInAnyOrder) {
  for (const std::vector<std::string>& recipe : std::vector<std::vector<std::string>>{
           {"flap:sparsity=0.2", "lord:fraction=0.7", "gptq:group=32"}, {"lord:fraction=0.7", "awq:group=32"}, {"lord:fraction=0.6", "flap:sparsity=0.3,multiple=8", "q8"},
           {"awq:targets=attention", "gptq:targets=mlp"}, {"q4", "lord:fraction=0.5,weighting=none"}, {"q8", "flap:sparsity=0.3"}}) {
    const Prepared p = prepared(model, recipe);
    const auto logits = logitsOf(p.model, tokens);
    for (const float v : logits) ASSERT_TRUE(std::isfinite(v)) << recipe[0];
    EXPECT_LT(relativeDifference(dense, logits), 1.6) << recipe[0] << recipe[1];
  }
}

INSTANTIATE_TEST_SUITE_P(All, TransformFamilies,
                         testing::Values("llama", "llama-rope-llama3", "mistral", "qwen2", "qwen3", "gemma3", "phi3", "olmo2", "gpt2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ts
