// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "experiments/schedule/scheduler.h"
#include "experiments/store/store.h"
#include "tests/experiments/schedule/fake_runner.h"
#include "tests/experiments/store/temporary_folder.h"
#include "tests/experiments/support/strategies.h"

namespace ts {

/// Eight plans on a runner that measures nothing.
inline constexpr const char* kSweep =
    R"({"model": "m", "groups": [{"weights": ["", "t-prune", "t-prune + t-quant:group=32|64"], "kv": ["", "t-evict"]}]})";

class Scheduling : public testing::Test {
 protected:
  static void SetUpTestSuite() { registerTestStrategies(); }

  std::unique_ptr<FakeRunner> runner() {
    witness = std::make_shared<Witness>();
    return std::make_unique<FakeRunner>(witness);
  }
  std::unique_ptr<Scheduler> start(const std::string& sweep, std::unique_ptr<FakeRunner> runner, int workers = 3,
                                   bool again = false, SchedulerListener listener = {}) {
    auto started =
        Scheduler::start(*parseSweep(sweep, "s.json"), {.store = file, .workers = workers, .measureAgain = again},
                         std::move(listener), std::move(runner));
    EXPECT_TRUE(started) << started.error().message;
    return std::move(*started);
  }
  std::map<RunState, int> states() {
    std::map<RunState, int> count;
    auto store = *Store::open(file, Store::Mode::ReadOnly);
    const auto runs = *store->runs();
    for (const RunRecord& run : runs) ++count[run.state];
    return count;
  }

  TemporaryFolder folder;
  std::filesystem::path file = folder / "s.db";
  std::shared_ptr<Witness> witness;
};

}  // namespace ts
