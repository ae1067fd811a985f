// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/registry/registry.h"

#include <gtest/gtest.h>

namespace ts {
namespace {

Registry withSample() {
  Registry registry;
  registry.add({{.id = "awq",
                 .family = Family::Weights,
                 .title = "AWQ",
                 .parameters = {{.name = "bits", .fallback = std::int64_t{4}, .minimum = 2, .maximum = 8},
                                {.name = "ratio", .type = ParameterType::Real, .fallback = 0.5, .minimum = 0, .maximum = 1},
                                {.name = "mode", .type = ParameterType::Choice, .fallback = std::string("a"), .choices = {"a", "b"}},
                                {.name = "clip", .type = ParameterType::Boolean, .fallback = true}}},
                Make<WeightTransform>{}});
  return registry;
}

TEST(ParseStrategy, ReadsIdAndTypedValues) {
  const auto spec = parseStrategy(" awq : bits=4, ratio=0.25 ,mode=b,clip=false", "--weights");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->id, "awq");
  EXPECT_EQ(spec->values.at("bits"), Value(std::int64_t{4}));
  EXPECT_EQ(spec->values.at("ratio"), Value(0.25));
  EXPECT_EQ(spec->values.at("mode"), Value(std::string("b")));
  EXPECT_EQ(spec->values.at("clip"), Value(false));
  EXPECT_EQ(toText(*spec), "awq:bits=4,clip=false,mode=b,ratio=0.25");
}

TEST(ParseStrategy, RefusesWhatIsNotAStrategy) {
  for (const char* text : {"", ":", "awq:bits", "awq:=3", "awq:bits=1,bits=2", "AWQ!"}) EXPECT_FALSE(parseStrategy(text, "here")) << text;
}

TEST(ParseStrategy, TextReadsBackAsTheSameValue) {
  for (const Value& value : {Value(true), Value(std::int64_t{-7}), Value(0.1), Value(3.0), Value(1e-9), Value(std::string("x/y.gguf"))}) {
    StrategySpec spec{"s", {{"p", value}}};
    EXPECT_EQ(parseStrategy(toText(spec), "")->values.at("p"), value) << toText(spec);
  }
}

TEST(Resolve, FillsDefaultsAndWidens) {
  const auto settings = withSample().resolve(Family::Weights, {"awq", {{"ratio", std::int64_t{1}}}});
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->integer("bits"), 4);
  EXPECT_EQ(settings->real("ratio"), 1.0);
  EXPECT_EQ(settings->text("mode"), "a");
  EXPECT_TRUE(settings->boolean("clip"));
}

TEST(Resolve, SaysWhatIsExpected) {
  const Registry registry = withSample();
  const auto message = [&](const StrategySpec& spec) { return registry.resolve(Family::Weights, spec).error().message; };
  EXPECT_EQ(message({"awq", {{"bits", std::int64_t{9}}}}), "parameter 'bits' of 'awq' must be a whole number from 2 to 8, not '9'");
  EXPECT_EQ(message({"awq", {{"mode", std::string("c")}}}), "parameter 'mode' of 'awq' must be one of a, b, not 'c'");
  EXPECT_EQ(message({"awq", {{"depth", std::int64_t{1}}}}), "'awq' has no parameter 'depth'; it has bits, ratio, mode, clip");
  EXPECT_EQ(message({"gptq", {}}), "there is no strategy 'gptq' for weights; known: awq");
}

}  // namespace
}  // namespace ts
