// SPDX-License-Identifier: GPL-3.0-or-later
// On the embedded model and a few chunks of WikiText-2: methods stand in the order their papers put them in.
#include "engine/core/resources.h"
#include "engine/evaluation/evaluate.h"
#include "engine/transforms/default_calibration.h"
#include "tests/engine/transforms/models.h"

namespace ts {
namespace {

class Perplexity : public testing::Test {
 protected:
  static void SetUpTestSuite() { dense = loadModel(resourceFolder() / "models" / "ts-16m"); }
  static void TearDownTestSuite() { dense.reset(); }

  static double of(std::shared_ptr<const Model> model) {
    const auto result = evaluate(model, dense, Plan{}, {.task = "wikitext2", .limit = 4, .context = 256}, pool());
    EXPECT_TRUE(result) << result.error().message;
    return result ? result->metrics.at("perplexity").value : 0.0;
  }
  static Prepared make(std::vector<std::string> recipe) {
    TransformContext context{.pool = pool()};
    context.calibration = *defaultCalibration(*dense->tokenizer, 12, 256);
    auto result = prepareText(dense, std::move(recipe), std::move(context));
    EXPECT_TRUE(result) << result.error().message;
    return *result;
  }
  static double of(const std::string& recipe) { return of(make({recipe}).model); }
  static ThreadPool& pool() {
    static ThreadPool instance(2);
    return instance;
  }
  inline static std::shared_ptr<const Model> dense;
};

TEST_F(Perplexity, StaysWithin8BitsAndRisesAsBitsFall) {
  const double plain = of(dense), q8 = of("q8"), q4 = of("q4:group=128"), q3 = of("q4:bits=3,group=128");
  EXPECT_NEAR(q8, plain, 0.01 * plain);
  EXPECT_GT(q4, 1.02 * plain);
  EXPECT_GT(q3, 1.1 * q4);
}

TEST_F(Perplexity, GptqAndAwqBeatRoundingMoreAtThreeBits) {
  const double plain = of(dense);
  const double gptq4 = of("gptq:bits=4,group=128"), nearest4 = of("q4:bits=4,group=128");
  const double gptq3 = of("gptq:bits=3,group=128"), awq3 = of("awq:bits=3,group=128"), nearest3 = of("q4:bits=3,group=128");
  EXPECT_GT(gptq4, plain);
  EXPECT_LT(gptq4, nearest4);
  EXPECT_LT(gptq3, nearest3);
  EXPECT_LT(awq3, nearest3);
  EXPECT_GT(nearest3 - gptq3, nearest4 - gptq4);
}

TEST_F(Perplexity, LowRankGainsFromTheActivations) {
  const double plain = of(dense), weighted = of("lord:fraction=0.8"), unweighted = of("lord:fraction=0.8,weighting=none");
  EXPECT_GT(weighted, plain);
  EXPECT_LT(weighted, 0.8 * unweighted);
}

TEST_F(Perplexity, FlapShrinksBytesWithSparsity) {
  const Prepared some = make({"flap:sparsity=0.2"});
  EXPECT_NEAR(some.report.at("flap.sparsity"), 0.2, 0.03);
  const double plain = of(dense), pruned = of(some.model), without = of("flap:sparsity=0.2,bias=false");
  EXPECT_GT(pruned, plain);
  EXPECT_LT(pruned, without);
  EXPECT_LT(some.report.at("weights.bytes_after"), 0.87 * some.report.at("weights.bytes_before"));
}

}  // namespace
}  // namespace ts
