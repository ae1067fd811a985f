// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/json_fields.h"

#include <gtest/gtest.h>

namespace ts {
namespace {

std::string nested(int depth) { return "{\"a\":" + std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']') + "}"; }

TEST(JsonFields, ANestThatWouldExhaustTheStackIsAnErrorAtItsPlace) {
  EXPECT_TRUE(parseJsonObject(nested(99), "config.json"));
  for (const int depth : {100, 400'000}) {
    const auto deep = parseJsonObject(nested(depth), "config.json");
    ASSERT_FALSE(deep);
    EXPECT_EQ(deep.error().message, "expected JSON nested at most 100 deep");
    EXPECT_EQ(deep.error().where, "config.json @ byte 104");
  }
}

TEST(JsonFields, BracketsInTextsAreNoNest) {
  const std::string text = std::string(200, '[') + "\\\\\\\"" + std::string(200, '{');
  const auto json = parseJsonObject("{\"a\": \"" + text + "\", \"b\": 1}", "config.json");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(*json->integer("b", 0, 9), 1);
}

}  // namespace
}  // namespace ts
