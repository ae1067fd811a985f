// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/model_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ts {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(ModelPath, FindsAnEmbeddedModelByName) {
  EXPECT_THAT(embeddedModels(), Contains("ts-16m"));
  const auto path = modelPath("embedded:ts-16m");
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_TRUE(std::filesystem::exists(*path / "config.json"));
}

TEST(ModelPath, SaysWhichEmbeddedModelsThereAre) {
  const auto path = modelPath("embedded:gpt-9");
  ASSERT_FALSE(path);
  EXPECT_THAT(path.error().message, HasSubstr("ts-16m"));
  EXPECT_EQ(path.error().where, "embedded:gpt-9");
}

TEST(ModelPath, DoesNotLeaveTheModelsFolder) { EXPECT_FALSE(modelPath("embedded:../models/ts-16m")); }

TEST(ModelPath, APathMustExist) {
  EXPECT_EQ(*modelPath(TS_SOURCE_DIR), std::filesystem::path(TS_SOURCE_DIR));
  const auto path = modelPath("/no/such/model.gguf");
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().where, "/no/such/model.gguf");
}

}  // namespace
}  // namespace ts
