// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/schedule/run_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ts {
namespace {

RunRecord described(const EvaluationOptions& task) {
  Sweep sweep;
  sweep.model = "m";
  sweep.task = task;
  return *describe(sweep, {}, {.fingerprint = "f"}, {}, {});
}

TEST(RunKey, HoldsWhatCanChangeAResult) {
  const std::string base = described({}).key;
  EXPECT_EQ(described({}).key, base);
  EXPECT_NE(described({.limit = 3}).key, base);
  EXPECT_NE(described({.untilStderr = 0.5}).key, base);
  EXPECT_NE(described({.untilStderr = 0.5}).key, described({.untilStderr = 0.25}).key);
}

TEST(RunRecord, TheCommandLineRepeatsTheStop) {
  const RunRecord run = described({.untilStderr = 0.1});
  EXPECT_THAT(run.commandLine, testing::HasSubstr("--until-stderr 0.1 "));
  EXPECT_EQ(run.settings.at("task.until_stderr"), "0.1");
  EXPECT_FALSE(described({}).settings.contains("task.until_stderr"));
}

}  // namespace
}  // namespace ts
