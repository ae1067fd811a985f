// SPDX-License-Identifier: GPL-3.0-or-later
// A sweep beside other Tradespace programs on the machine.
#include <gmock/gmock.h>

#include <cstdlib>

#include "engine/core/machine_lock.h"
#include "tests/experiments/schedule/scheduling.h"

namespace ts {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Beside : public Scheduling {
 protected:
  void SetUp() override { ASSERT_EQ(setenv("TRADESPACE_LOCK", (folder / "lock").c_str(), 1), 0); }
  void TearDown() override { unsetenv("TRADESPACE_LOCK"); }
  template <class Condition>
  static void until(Condition&& condition) {
    while (!condition()) std::this_thread::sleep_for(1ms);
  }
};

TEST_F(Beside, QualityWaitsWhileAnotherProgramMeasures) {
  auto measuring = *holdMachine(MachineUse::Measure);
  auto scheduler = start(kSweep, runner());
  until([&] { return scheduler->progress().current.find("waiting for a Tradespace measurement") != std::string::npos; });
  EXPECT_EQ(witness->scoredItems, 0);
  measuring.release();
  EXPECT_EQ(scheduler->wait()->done, 8);
}

TEST_F(Beside, LatencyWaitsForTheOthersWorkAndSaysSo) {
  auto work = *holdMachine(MachineUse::Work);  // a text being generated beside the sweep
  auto scheduler = start(kSweep, runner());
  until([&] { return scheduler->progress().current == waitingText(MachineUse::Measure); });
  EXPECT_EQ(witness->benched.size(), 0u);
  work.release();
  EXPECT_EQ(scheduler->wait()->done, 8);
}

TEST_F(Beside, WaitingForTheMachineCanBeCancelled) {
  for (const MachineUse use : {MachineUse::Work, MachineUse::Measure}) {
    const auto other = *holdMachine(use);
    auto scheduler = start(kSweep, runner());
    until([&] { return scheduler->progress().current.starts_with("waiting"); });
    scheduler->cancel();
    EXPECT_TRUE(scheduler->wait()->current.empty());
  }
}

TEST_F(Beside, APausedSweepLeavesTheMachineToOthers) {
  auto fake = runner();
  fake->items = 50;
  fake->itemMs = 2;
  auto scheduler = start(kSweep, std::move(fake), 2);
  until([&] { return witness->scoredItems > 3; });
  scheduler->pause();
  { EXPECT_TRUE(holdMachine(MachineUse::Measure)->held()); }
  scheduler->cancel();
  ASSERT_TRUE(scheduler->wait());
}

TEST_F(Beside, TwoSweepsOfTwoProgramsNeverTimeAtOnce) {
  const std::filesystem::path second = folder / "t.db";
  auto fake = runner();
  const auto shared = witness;
  auto other = std::make_unique<FakeRunner>(shared);
  for (FakeRunner* each : {fake.get(), other.get()}) each->benchMs = 5, each->items = 10;
  auto one = start(kSweep, std::move(fake), 2);
  auto two = *Scheduler::start(*parseSweep(kSweep, "s.json"), {.store = second, .workers = 2}, {}, std::move(other));
  EXPECT_EQ(one->wait()->done, 8);
  EXPECT_EQ(two->wait()->done, 8);
  EXPECT_FALSE(shared->overlapped) << "neither with the other's timings nor with its scoring";
}

}  // namespace
}  // namespace ts
