// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/resources.h"
#include "engine/transforms/default_calibration.h"
#include "engine/transforms/sites.h"
#include "engine/transforms/store.h"
#include "engine/weights/formats.h"
#include "tests/engine/transforms/models.h"

namespace ts {
namespace {

TEST(Calibration, SeesEveryLinearMapWithTheRightInputs) {
  const auto model = family("llama");
  auto context = randomCalibration(*model, 3, 20);
  Calibration calibration(*model, context);
  for (int layer = 0; layer < static_cast<int>(model->blocks.size()); ++layer) {
    std::map<Role, std::int64_t> rows;
    ASSERT_TRUE(calibration.observe(layer, [&](Role role, ConstRows inputs) {
      rows[role] += inputs.count;
      EXPECT_EQ(inputs.width, model->blocks[static_cast<std::size_t>(layer)].linear(role).weight->cols());
    }));
    for (const Role role : kRoles) EXPECT_EQ(rows[role], 60);
    ASSERT_TRUE(calibration.advance(layer));
  }
}

TEST(Calibration, FollowsBlocksAsTheyAreChanged) {
  const auto dense = family("llama");
  Model model = *dense;
  auto context = randomCalibration(*dense, 2, 16);
  const auto inputsOfBlock1 = [&](Model& walked, bool change) {
    Calibration calibration(walked, context);
    EXPECT_TRUE(calibration.observe(0, [](Role, ConstRows) {}));
    if (change) {
      const Matrix& down = *walked.blocks[0].down.weight;
      walked.blocks[0].down.weight = packPlain(FloatMatrix::Zero(down.rows(), down.cols()), "f32", testPool());
    }
    EXPECT_TRUE(calibration.advance(0));
    std::vector<float> seen;
    EXPECT_TRUE(calibration.observe(1, [&](Role role, ConstRows rows) {
      if (role == Role::Q) seen.insert(seen.end(), rows.data, rows.data + rows.width);
    }));
    return seen;
  };
  Model same = *dense;
  const auto before = inputsOfBlock1(same, false), after = inputsOfBlock1(model, true);
  EXPECT_EQ(before, inputsOfBlock1(same, false)) << "observing changes nothing";
  EXPECT_GT(relativeDifference(before, after), 1e-3);
}

TEST(Calibration, LookingAndGoingOnInOnePassIsTheSame) {
  const auto model = family("gemma3");
  auto context = randomCalibration(*model, 2, 24);
  const auto secondBlock = [&](bool onePass) {
    Calibration calibration(*model, context);
    std::vector<float> seen;
    const Calibration::Observer look = [&](Role role, ConstRows rows) {
      if (role == Role::Down) seen.insert(seen.end(), rows.data, rows.data + rows.width);
    };
    if (onePass) {
      EXPECT_TRUE(calibration.observeAndAdvance(0, look));
    } else {
      EXPECT_TRUE(calibration.observe(0, look));
      EXPECT_TRUE(calibration.advance(0));
    }
    EXPECT_TRUE(calibration.observe(1, look));
    return seen;
  };
  EXPECT_EQ(secondBlock(true), secondBlock(false));
}

TEST(Calibration, StopsWhenAsked) {
  const auto model = family("llama");
  std::stop_source source;
  auto context = randomCalibration(*model);
  context.stop = source.get_token();
  source.request_stop();
  const auto result = prepareText(model, {"gptq:group=32"}, context);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Cancelled);
}

TEST(Calibration, RefusesTokensOutsideTheVocabulary) {
  const auto model = family("llama");
  auto context = randomCalibration(*model);
  context.calibration[0][3] = 1 << 20;
  const auto result = prepareText(model, {"gptq:group=32"}, context);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("vocabulary"), std::string::npos);
}

TEST(Calibration, RefusesSequencesBeyondTheContext) {
  for (const char* name : {"gpt2", "llama"}) {  // learned positions end there; rotary ones were never trained beyond
    const auto model = family(name);
    const auto result = prepareText(model, {"gptq:group=32"}, randomCalibration(*model, 1, static_cast<int>(model->config.contextLength) + 1));
    ASSERT_FALSE(result) << name;
    EXPECT_NE(result.error().message.find("context of 256"), std::string::npos) << result.error().message;
  }
}

TEST(Prepare, CalibratesAShortModelOnShortSequences) {
  auto small = std::make_shared<Model>(*family("gpt2"));
  small->config.contextLength = 64;
  small->positions.resize(64 * static_cast<std::size_t>(small->config.hidden));
  small->positions.shrink_to_fit();
  struct Bytes : Tokenizer {  // a token a byte
    std::vector<int> encode(std::string_view text, EncodeOptions) const override {
      std::vector<int> ids;
      for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
      return ids;
    }
    std::string decode(std::span<const int>, bool) const override { return {}; }
    std::string kind() const override { return "bytes"; }
    int vocabularySize() const override { return 256; }
    std::string_view piece(int) const override { return {}; }
    int bos() const override { return -1; }
    int eos() const override { return -1; }
    bool addsBos() const override { return false; }
    bool isSpecial(int) const override { return false; }
  };
  small->tokenizer = std::make_shared<Bytes>();
  const auto result = prepareText(small, {"gptq:group=32"}, {.pool = testPool()});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_LT(result->report.at("gptq.relative_error"), 1.0);
}

TEST(Prepare, NeedsATokenizerOrTokensToCalibrate) {
  const auto model = family("llama");
  if (model->tokenizer) GTEST_SKIP();
  const auto result = prepareText(model, {"gptq"}, {.pool = testPool()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Refused);
  EXPECT_TRUE(prepareText(model, {"q8"}, {.pool = testPool()}));
}

TEST(Prepare, RefusesGroupsAndBitsWithoutALayout) {
  const auto model = family("llama");
  for (const char* recipe : {"q4:group=48", "gptq:bits=7", "q8:group=33"}) {
    const auto result = prepareText(model, {recipe}, randomCalibration(*model));
    ASSERT_FALSE(result) << recipe;
    EXPECT_EQ(result.error().kind, ErrorKind::InvalidInput);
  }
}

TEST(Prepare, ReportsProgressThatOnlyGrows) {
  const auto model = family("llama");
  auto context = randomCalibration(*model);
  double last = 0;
  context.progress = [&](double fraction, std::string_view) {
    EXPECT_GE(fraction, last);
    last = fraction;
  };
  ASSERT_TRUE(prepareText(model, {"flap:sparsity=0.2", "gptq:group=32"}, context));
  EXPECT_EQ(last, 1.0);
}

TEST(Prepare, DoesNotDependOnTheNumberOfThreads) {
  const auto model = family("qwen2");
  ThreadPool one(1), three(3);
  const auto tokens = someTokens(20, static_cast<int>(model->embedding->rows()));
  const auto run = [&](ThreadPool& pool, const char* recipe) {
    TransformContext context{.pool = pool, .calibration = randomCalibration(*model).calibration};
    return logitsOf((*prepareText(model, {recipe}, context)).model, tokens);
  };
  for (const char* recipe : {"gptq:group=32,bits=3", "awq:group=32,bits=3", "flap:sparsity=0.3", "lord:fraction=0.5"})
    EXPECT_EQ(run(one, recipe), run(three, recipe)) << recipe;
}

TEST(DefaultCalibration, GivesEvenlySpreadSequencesOfTheBundledText) {
  const auto model = loadModel(resourceFolder() / "models" / "ts-16m");
  ASSERT_TRUE(model->tokenizer);
  const auto sequences = defaultCalibration(*model->tokenizer, 64, 256);
  ASSERT_TRUE(sequences) << sequences.error().message;
  ASSERT_EQ(sequences->size(), 64u);
  for (const auto& s : *sequences) EXPECT_EQ(s.size(), 256u);
  EXPECT_NE((*sequences)[0], (*sequences)[1]);
  const auto none = defaultCalibration(*model->tokenizer, 1, 256, "/nonexistent/text");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::Io);
}

}  // namespace
}  // namespace ts
