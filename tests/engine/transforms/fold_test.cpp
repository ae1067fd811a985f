// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/fold.h"

#include "engine/transforms/store.h"
#include "tests/engine/transforms/models.h"

namespace ts {
namespace {

class Fold : public testing::TestWithParam<const char*> {};

TEST_P(Fold, LeavesTheUnquantizedModelsOutputsAsTheyWere) {
  const auto model = family(GetParam());
  const auto tokens = someTokens(30, static_cast<int>(model->embedding->rows()));
  const auto dense = logitsOf(model, tokens);
  for (const Site site : kSites) {
    if (!canFold(model->blocks[0], site)) continue;
    auto copy = std::make_shared<Model>(*model);
    for (Block& block : copy->blocks) {
      HeldBlock held = holdBlock(block);
      std::vector<float> scale(static_cast<std::size_t>(block.linear(witness(site)).weight->cols()));
      for (std::size_t i = 0; i < scale.size(); ++i) scale[i] = 0.5f + static_cast<float>((i * 7) % 11) / 4.0f;
      scale = tied(block, site, scale);
      fold(block, held, site, scale);
      for (const Role role : kRoles)
        if (held.of(role).present()) block.linear(role).weight = packPlain(held.of(role).input, "f32", testPool());
    }
    EXPECT_NE(copy->blocks[0].linear(witness(site)).weight, nullptr);
    EXPECT_LT(relativeDifference(dense, logitsOf(copy, tokens)), 1e-5) << "site " << static_cast<int>(site);
  }
}

TEST_P(Fold, AScaleThatIsNotTiedWouldChangeGroupedHeads) {
  const auto model = family(GetParam());
  if (model->config.heads == model->config.kvHeads) GTEST_SKIP() << "every query head has a key/value head of its own";
  Block block = model->blocks[0];
  std::vector<float> magnitude(static_cast<std::size_t>(block.o.weight->cols()));
  for (std::size_t i = 0; i < magnitude.size(); ++i) magnitude[i] = static_cast<float>(i);
  const auto same = tied(block, Site::Output, magnitude);
  const std::size_t dim = static_cast<std::size_t>(model->config.headDim);
  EXPECT_EQ(same[0], same[dim]);  // heads 0 and 1 read key/value head 0
  EXPECT_EQ(same[0], static_cast<float>(dim) / 2);
  EXPECT_NE(same[0], same[2 * dim]);
  EXPECT_EQ(tied(block, Site::Down, magnitude), magnitude);
}

INSTANTIATE_TEST_SUITE_P(Families, Fold, testing::Values("llama", "qwen2", "qwen3", "gemma3", "olmo2", "phi3", "gpt2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace ts
