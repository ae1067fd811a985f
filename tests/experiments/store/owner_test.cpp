// SPDX-License-Identifier: GPL-3.0-or-later
// Several programs on one store: who works on a row, and how the others learn that it is gone.
#include "experiments/store/owner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "experiments/store/store.h"
#include "temporary_folder.h"

namespace ts {
namespace {

RunRecord example(const std::string& key = "k") {
  RunRecord run;
  run.key = key;
  run.model.fingerprint = "f";
  run.plan = "dense";
  return run;
}

TEST(Owners, KnowTheLivingFromTheGone) {
  TemporaryFolder folder;
  Owner one, two;
  ASSERT_TRUE(one.become(folder / "s.db"));
  ASSERT_TRUE(two.become(folder / "s.db"));
  EXPECT_NE(one.id(), two.id());
  const std::string gone = two.id();
  two.release();
  Owners owners(folder / "s.db");
  EXPECT_TRUE(owners.alive(one.id()));
  EXPECT_FALSE(owners.alive(gone));
  EXPECT_FALSE(owners.alive(""));
  EXPECT_FALSE(owners.alive("somehost 4f1c 4711 99")) << "what the first version wrote";
  EXPECT_EQ(std::filesystem::file_size(folder / "s.db-owners"), 0u);
}

TEST(Owners, AKilledProgramsRowsReadAsInterruptedAtOnce) {
  TemporaryFolder folder;
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto store = *Store::open(folder / "s.db");
    const auto run = *store->addRun(example());
    (void)store->claim(run);
    if (write(channel[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(channel[0], &byte, 1), 1);
  auto reader = *Store::open(folder / "s.db", Store::Mode::ReadOnly);
  EXPECT_EQ(reader->run(1)->state, RunState::Running);
  const std::int64_t seen = reader->changeCount();
  auto writer = *Store::open(folder / "s.db");
  EXPECT_FALSE(*writer->claim(1)) << "the other one is at it";
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(reader->run(1)->state, RunState::Interrupted);
  EXPECT_NE(reader->changeCount(), seen) << "a desktop that polls sees it";
  EXPECT_TRUE(*writer->claim(1));
  EXPECT_EQ(reader->run(1)->state, RunState::Running);
  close(channel[0]), close(channel[1]);
}

TEST(Owners, OnlyOneOfManyClaimsARow) {
  TemporaryFolder folder;
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < 4; ++i) stores.push_back(*Store::open(folder / "s.db"));
  for (int key = 0; key < 10; ++key) {
    std::vector<std::jthread> threads;
    std::atomic<int> claimed = 0, made = 0;
    for (auto& store : stores)
      threads.emplace_back([&] {
        const auto row = *store->enroll(example(std::to_string(key)));
        made += !row.known;
        claimed += *store->claim(row.run);
      });
    threads.clear();
    EXPECT_EQ(made, 1);
    EXPECT_EQ(claimed, 1);
  }
  EXPECT_THAT(*stores[0]->runs(), testing::SizeIs(10));
}

TEST(Owners, AStoppedProgramDoesNotEndTheRowOfAnother) {
  TemporaryFolder folder;
  auto first = *Store::open(folder / "s.db"), second = *Store::open(folder / "s.db");
  const auto run = first->enroll(example())->run;
  ASSERT_TRUE(*second->claim(run));
  ASSERT_TRUE(first->setState(run, RunState::Cancelled, "cancelled", "stopped"));
  EXPECT_EQ(first->run(run)->state, RunState::Running);
  second->disown();
  EXPECT_EQ(first->run(run)->state, RunState::Interrupted);
  EXPECT_TRUE(*first->claim(run));
}

}  // namespace
}  // namespace ts
