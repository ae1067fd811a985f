// SPDX-License-Identifier: GPL-3.0-or-later
// On the embedded model: methods stand in the order their papers put them in. Measured by the KL divergence from the dense model, which
// a few hundred tokens tell apart where perplexity needs thousands.
#include "engine/core/resources.h"
#include "engine/evaluation/evaluate.h"
#include "engine/transforms/default_calibration.h"
#include "tests/engine/transforms/models.h"

namespace ts {
namespace {

class Divergence : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dense = loadModel(resourceFolder() / "models" / "ts-16m");
    calibration = *defaultCalibration(*dense->tokenizer, 5, 256);
  }
  static void TearDownTestSuite() { dense.reset(); }

  static Prepared make(const std::string& recipe) {
    TransformContext context{.pool = testPool(), .calibration = calibration};
    auto result = prepareText(dense, {recipe}, std::move(context));
    EXPECT_TRUE(result) << result.error().message;
    return *result;
  }
  static double of(const Prepared& prepared) {
    const auto result = evaluate(prepared.model, dense, Plan{}, {.task = "wikitext2", .limit = 2, .context = 256, .againstDense = true}, testPool());
    EXPECT_TRUE(result && result->kl) << result.error().message;
    return result ? result->kl->mean : 0.0;
  }
  static double of(const std::string& recipe) { return of(make(recipe)); }

  inline static std::shared_ptr<const Model> dense;
  inline static std::vector<std::vector<int>> calibration;
};

TEST_F(Divergence, GrowsAsBitsFallAndGptqAndAwqLowerIt) {
  const double q8 = of("q8"), nearest4 = of("q4:group=128"), nearest3 = of("q4:bits=3,group=128");
  EXPECT_LT(q8, 0.002);
  EXPECT_LT(q8, 0.1 * nearest4);
  EXPECT_LT(nearest4, 0.5 * nearest3);
  EXPECT_LT(of("gptq:bits=3,group=128"), 0.8 * nearest3);
  EXPECT_LT(of("awq:bits=3,group=128"), 0.9 * nearest3);
}

TEST_F(Divergence, LowRankGainsFromTheActivations) {
  const double weighted = of("lord:fraction=0.7,targets=attention"), plain = of("lord:fraction=0.7,targets=attention,weighting=none");
  EXPECT_LT(weighted, 0.7 * plain);
}

TEST_F(Divergence, FlapShrinksTheModelAndItsBiasHelps) {
  const Prepared some = make("flap:sparsity=0.2");
  EXPECT_NEAR(some.report.at("flap.sparsity"), 0.2, 0.03);
  EXPECT_LT(some.report.at("weights.bytes_after"), 0.87 * some.report.at("weights.bytes_before"));
  EXPECT_LT(of(some), of("flap:sparsity=0.2,bias=false"));
}

}  // namespace
}  // namespace ts
