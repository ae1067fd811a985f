// SPDX-License-Identifier: GPL-3.0-or-later
// Bad usage: exit status 2 and a text that says what was expected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/cli.h"

namespace ts::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Usage, HelpAndVersionSucceed) {
  EXPECT_EQ(cli({"--help"}).status, 0);
  for (const std::string verb : {"info", "tokenize", "strategies", "generate", "eval", "bench", "compress", "sweep", "front", "compare", "export", "rerun"}) {
    const Outcome help = cli({verb, "--help"});
    EXPECT_EQ(help.status, 0) << verb;
    EXPECT_THAT(help.out, HasSubstr("--json")) << verb;
  }
  EXPECT_EQ(missingKeys(cliJson({"--version"}), {"version", "onednn", "isa", "sqlite"}), "");
}

TEST(Usage, WithoutAVerbItFails) { EXPECT_EQ(cli({}).status, 2); }

TEST(Usage, AnUnknownVerbFails) {
  const Outcome outcome = cli({"fly"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("fly"));
  EXPECT_EQ(outcome.out, "");
}

TEST(Usage, AMissingArgumentIsNamed) {
  EXPECT_THAT(cliError({"info"}, 2), HasSubstr("MODEL"));
  EXPECT_THAT(cliError({"front", "store"}, 2), HasSubstr("--x"));
}

TEST(Usage, AnUnknownFlagIsNamed) { EXPECT_THAT(cliError({"info", kModel, "--colour"}, 2), HasSubstr("--colour")); }

TEST(Usage, NumbersHaveRanges) {
  EXPECT_THAT(cliError({"generate", kModel, "--prompt", "a", "--tokens", "0"}, 2), HasSubstr("--tokens"));
  EXPECT_THAT(cliError({"bench", kModel, "--repetitions", "many"}, 2), HasSubstr("--repetitions"));
}

TEST(Usage, AnUnknownStrategyIsNamed) {
  EXPECT_THAT(cliError({"eval", kModel, "--weights", "shrink-it"}, 2), AllOf(HasSubstr("shrink-it"), HasSubstr("--weights")));
}

TEST(Usage, AStrategysParametersAreChecked) {
  EXPECT_THAT(cliError({"eval", kModel, "--sample", "top-p:p=7"}, 2), AllOf(HasSubstr("p"), HasSubstr("--sample")));
  EXPECT_THAT(cliError({"eval", kModel, "--weights", "q4:groop=32"}, 2), HasSubstr("groop"));
  EXPECT_THAT(cliError({"eval", kModel, "--kv", "h2o:budget=half"}, 2), HasSubstr("budget"));
}

TEST(Usage, AnUnknownTaskIsNamedBesideThoseThereAre) {
  EXPECT_THAT(cliError({"eval", kModel, "--task", "nope"}, 2), AllOf(HasSubstr("nope"), HasSubstr("--task"), HasSubstr("wikitext2")));
}

TEST(Usage, AFailureForPeopleGoesToStandardError) {
  const Outcome outcome = cli({"info", "/no/such/model.gguf"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("/no/such/model.gguf"));
}

}  // namespace
}  // namespace ts::test
