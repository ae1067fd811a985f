// SPDX-License-Identifier: GPL-3.0-or-later
// Work goes on side by side; who measures is alone, among all programs of a user; nobody waits for ever.
#include "engine/core/machine_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace ts {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Machine : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "machine-XXXXXX").string();
    folder = mkdtemp(name.data());
    ASSERT_EQ(setenv("TRADESPACE_LOCK", (folder / "lock").c_str(), 1), 0);
  }
  void TearDown() override {
    unsetenv("TRADESPACE_LOCK");
    fs::remove_all(folder);
  }
  /// A hold that a busy machine cannot give: stopped after a while.
  static bool canHave(MachineUse use) {
    std::stop_source stop;
    const auto got = holdMachine(use, stop.get_token(), [&](bool waiting) {
      if (waiting) stop.request_stop();
    });
    return got && got->held();
  }
  fs::path folder;
};

TEST_F(Machine, WorkGoesOnSideBySideAndAMeasurementIsAlone) {
  {
    const auto one = holdMachine(MachineUse::Work), two = holdMachine(MachineUse::Work);
    EXPECT_TRUE(one->held() && two->held());
    EXPECT_FALSE(canHave(MachineUse::Measure));
  }
  const auto alone = holdMachine(MachineUse::Measure);
  EXPECT_TRUE(alone->held());
  EXPECT_FALSE(canHave(MachineUse::Work));
  EXPECT_FALSE(canHave(MachineUse::Measure));
}

TEST_F(Machine, IsGivenBackByMovingReleasingAndDying) {
  MachineHold hold = *holdMachine(MachineUse::Measure);
  hold = *holdMachine(MachineUse::Work, {}, [&](bool) { hold.release(); });
  EXPECT_TRUE(canHave(MachineUse::Work));
  hold.release();
  EXPECT_TRUE(canHave(MachineUse::Measure));

  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto mine = holdMachine(MachineUse::Measure);
    if (write(channel[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(channel[0], &byte, 1), 1);
  EXPECT_FALSE(canHave(MachineUse::Work)) << "another process measures";
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(canHave(MachineUse::Work));
  close(channel[0]), close(channel[1]);
}

TEST_F(Machine, WaitingIsToldAndCanBeStopped) {
  const auto alone = holdMachine(MachineUse::Measure);
  std::stop_source stop;
  std::vector<bool> told;
  std::jthread later([&] {
    std::this_thread::sleep_for(60ms);
    stop.request_stop();
  });
  const auto refused = holdMachine(MachineUse::Work, stop.get_token(), [&](bool waiting) { told.push_back(waiting); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Cancelled);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("waiting for"));
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
}

TEST_F(Machine, WorkThatNeverEndsMakesWayForAMeasurement) {
  std::atomic<bool> end = false;
  std::atomic<int> items = 0;
  std::vector<std::jthread> workers;
  for (int i = 0; i < 3; ++i)
    workers.emplace_back([&] {
      MachineHold hold = *holdMachine(MachineUse::Work);
      while (!end) {
        std::this_thread::sleep_for(1ms);
        ++items;
        giveWay(hold, {});
      }
    });
  while (items < 10) std::this_thread::sleep_for(1ms);
  {
    const auto alone = holdMachine(MachineUse::Measure);
    const int before = items;
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(items, before) << "nobody works meanwhile";
  }
  const int before = items;
  while (items < before + 10) std::this_thread::sleep_for(1ms);
  end = true;
}

TEST_F(Machine, WithoutAPlaceForTheLockItSaysWhyAndGoesOn) {
  ASSERT_EQ(setenv("TRADESPACE_LOCK", (folder / "none/lock").c_str(), 1), 0);
  const auto hold = holdMachine(MachineUse::Measure);
  ASSERT_TRUE(hold);
  EXPECT_FALSE(hold->held());
  EXPECT_THAT(hold->problem(), testing::HasSubstr("none/lock"));

  fs::create_symlink(folder / "elsewhere", folder / "link");
  ASSERT_EQ(setenv("TRADESPACE_LOCK", (folder / "link").c_str(), 1), 0);
  EXPECT_FALSE(holdMachine(MachineUse::Work)->held()) << "a link that somebody put there is not followed";
}

TEST_F(Machine, TheFileIsInTheUsersRuntimeFolder) {
  unsetenv("TRADESPACE_LOCK");
  const char* before = getenv("XDG_RUNTIME_DIR");
  const std::string kept = before ? before : "";
  setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
  EXPECT_EQ(machineLockPath(), folder / "tradespace.lock");
  setenv("XDG_RUNTIME_DIR", "/no/such/folder", 1);
  EXPECT_EQ(machineLockPath(), "/tmp/tradespace-" + std::to_string(geteuid()) + ".lock");
  before ? setenv("XDG_RUNTIME_DIR", kept.c_str(), 1) : unsetenv("XDG_RUNTIME_DIR");
}

}  // namespace
}  // namespace ts
