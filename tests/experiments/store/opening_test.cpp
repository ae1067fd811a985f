// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to files that are not as they should be: nothing is lost, and the message says what to do.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "experiments/store/database.h"
#include "experiments/store/migration.h"
#include "experiments/store/store.h"
#include "temporary_folder.h"

namespace ts {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

RunRecord example() {
  RunRecord run;
  run.key = "k";
  run.model.fingerprint = "f";
  run.plan = "dense";
  return run;
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Runs `body` in a child process and gives its exit status.
template <class Body>
int inChild(Body&& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(Opening, MakesAWriteAheadLoggedFile) {
  TemporaryFolder folder;
  auto store = *Store::open(folder / "s.db");
  EXPECT_THAT(store->notices(), IsEmpty());
  SQLite::Database raw((folder / "s.db").string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(raw.execAndGet("PRAGMA journal_mode").getString(), "wal");
  EXPECT_EQ(raw.execAndGet("PRAGMA user_version").getInt(), schemaSteps().back().version);
}

TEST(Opening, RefusesAFolderAnotherFileAndAnotherDatabase) {
  TemporaryFolder folder;
  EXPECT_THAT(Store::open(folder.path()).error().message, HasSubstr("folder"));
  EXPECT_THAT(Store::open(folder / "no/such/s.db").error().message, HasSubstr("does not exist"));

  std::ofstream(folder / "text.db") << "this is a text of some length";
  EXPECT_THAT(Store::open(folder / "text.db").error().message, HasSubstr("byte 0"));
  EXPECT_EQ(contents(folder / "text.db"), "this is a text of some length");

  {
    SQLite::Database(folder / "other.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec("CREATE TABLE cookies (a)");
  }
  EXPECT_THAT(Store::open(folder / "other.db").error().message, HasSubstr("another program"));
  EXPECT_THAT(Store::open(folder / "none.db", Store::Mode::ReadOnly).error().message, HasSubstr("no such store"));
  EXPECT_FALSE(fs::exists(folder / "none.db"));
}

TEST(Opening, RefusesAFileCutShort) {
  TemporaryFolder folder;
  {
    auto store = *Store::open(folder / "s.db");
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->addRun(example()));
  }
  const auto size = fs::file_size(folder / "s.db");
  for (const auto kept : {size / 2, size - 1, std::uintmax_t{100}, std::uintmax_t{17}}) {
    fs::copy_file(folder / "s.db", folder / "cut.db", fs::copy_options::overwrite_existing);
    fs::resize_file(folder / "cut.db", kept);
    const auto result = Store::open(folder / "cut.db");
    ASSERT_FALSE(result) << kept;
    EXPECT_THAT(result.error().where, HasSubstr("cut.db"));
    EXPECT_EQ(fs::file_size(folder / "cut.db"), kept) << "not touched";
  }
}

TEST(Opening, RefusesANewerVersionAndLeavesItAlone) {
  TemporaryFolder folder;
  { ASSERT_TRUE(Store::open(folder / "s.db")); }
  { SQLite::Database((folder / "s.db").string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version=4711"); }
  const std::string before = contents(folder / "s.db");
  for (const auto mode : {Store::Mode::ReadWrite, Store::Mode::ReadOnly}) {
    const auto result = Store::open(folder / "s.db", mode);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::Unsupported);
    EXPECT_THAT(result.error().message, HasSubstr("4711"));
  }
  EXPECT_EQ(contents(folder / "s.db"), before);
}

TEST(Opening, BacksUpAndUpgradesAnOlderVersion) {
  TemporaryFolder folder;
  const SchemaStep first[] = {{1, "CREATE TABLE a (x); INSERT INTO a VALUES (5);"}};
  const SchemaStep both[] = {first[0], {2, "ALTER TABLE a ADD COLUMN y DEFAULT 7;"}};
  { ASSERT_TRUE(openForWriting(folder / "s.db", first)); }
  EXPECT_EQ(openForReading(folder / "s.db", both).error().kind, ErrorKind::Unsupported);
  auto upgraded = *openForWriting(folder / "s.db", both);
  EXPECT_EQ(upgraded.database->execAndGet("SELECT x + y FROM a").getInt(), 12);
  ASSERT_THAT(upgraded.notices, SizeIs(1));
  EXPECT_THAT(upgraded.notices[0], HasSubstr("s.db.v1.bak"));
  EXPECT_EQ(openForReading(folder / "s.db.v1.bak", first)->database->execAndGet("SELECT x FROM a").getInt(), 5);
}

TEST(Opening, ABackupWaitsForALockAndIsNeverHalf) {
  using namespace std::chrono_literals;
  TemporaryFolder folder;
  const auto open = [&](const char* name) {
    return SQLite::Database((folder / name).string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  };
  SQLite::Database from = open("from.db"), to = open("to.db"), other = open("to.db");
  from.exec("CREATE TABLE a (x); INSERT INTO a VALUES (5);");
  other.exec("CREATE TABLE b (y); BEGIN EXCLUSIVE");
  const auto busy = copyDatabase(from, to, 50ms);
  ASSERT_FALSE(busy);
  EXPECT_THAT(busy.error().message, HasSubstr("locked"));
  std::jthread later([&] {
    std::this_thread::sleep_for(60ms);
    other.exec("COMMIT");
  });
  ASSERT_TRUE(copyDatabase(from, to, 10s));
  EXPECT_EQ(to.execAndGet("SELECT x FROM a").getInt(), 5);
}

TEST(Opening, AFailedUpgradeLeavesTheOldFileInUse) {
  TemporaryFolder folder;
  const SchemaStep first[] = {{1, "CREATE TABLE a (x); INSERT INTO a VALUES (5);"}};
  const SchemaStep broken[] = {first[0], {2, "INSERT INTO a VALUES (6); SELECT nonsense;"}};
  { ASSERT_TRUE(openForWriting(folder / "s.db", first)); }
  EXPECT_THAT(openForWriting(folder / "s.db", broken).error().message, HasSubstr("upgrading"));
  EXPECT_EQ(openForWriting(folder / "s.db", first)->database->execAndGet("SELECT count(*) FROM a").getInt(), 1);
}

/// Root gives up its right to pass over permission bits, so that they hold for it as an owner like any other. (Another
/// user might not even reach the folder: everything above it would have to be open to that user.)
bool giveUpOverride() {
  if (geteuid() != 0) return true;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return false;
  data[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
  return syscall(SYS_capset, &header, data) == 0;
}

template <class Body>
int obeyingModes(Body&& body) {
  return inChild([&] { return giveUpOverride() ? body() : 99; });
}

TEST(Opening, ReadsAReadOnlyStoreAndSaysThatItCannotWrite) {
  TemporaryFolder folder;
  {
    auto store = *Store::open(folder / "s.db");
    ASSERT_TRUE(store->addRun(example()));
  }
  fs::permissions(folder / "s.db", fs::perms(0444));
  fs::permissions(folder.path(), fs::perms(0555));
  EXPECT_EQ(obeyingModes([&] {
              const auto write = Store::open(folder / "s.db");
              if (write || write.error().kind != ErrorKind::Io ||
                  write.error().message.find("read-only") == std::string::npos)
                return 1;
              const auto read = Store::open(folder / "s.db", Store::Mode::ReadOnly);
              if (!read) return 2;
              return (*read)->runs()->size() == 1 ? 0 : 3;
            }),
            0);
  EXPECT_EQ(obeyingModes([&] {
              const auto created = Store::open(folder / "new.db");
              return !created && created.error().kind == ErrorKind::Io ? 0 : 1;
            }),
            0);
}

TEST(Opening, AFullDiskLosesOnlyTheLastChange) {
  TemporaryFolder folder;
  { ASSERT_TRUE(Store::open(folder / "s.db")); }
  const int kept = inChild([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = *Store::open(folder / "s.db");
    const auto run = *store->addRun(example());
    const rlimit limit{256 << 10, 256 << 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    int written = 0;
    for (;; ++written) {
      const auto result = store->addSample(run, {.item = written, .values = {{std::string(8000, 'x'), 1}}});
      if (result) continue;
      if (result.error().kind != ErrorKind::Io) return 255;
      if (!store->runs()) return 254;  // still readable
      return written;
    }
  });
  ASSERT_GT(kept, 3);
  ASSERT_LT(kept, 200);
  auto store = *Store::open(folder / "s.db");
  EXPECT_EQ(store->samples(store->runs()->front().id)->size(), static_cast<std::size_t>(kept));
}

TEST(Opening, AKilledWriterLosesNothingCommittedAndItsRunIsInterrupted) {
  TemporaryFolder folder;
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto store = *Store::open(folder / "s.db");
    const auto run = *store->addRun(example());
    (void)store->addRun(example());  // stays queued
    (void)store->setState(run, RunState::Running);
    for (std::int64_t item = 0;; ++item) {
      if (!store->addSample(run, {.item = item, .values = {{"nll", 1.0}}})) _exit(1);
      if (write(channel[1], &item, sizeof item) != sizeof item) _exit(1);
    }
  }
  std::int64_t last = -1;
  while (last < 200) ASSERT_EQ(read(channel[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
  {
    auto meanwhile = *Store::open(folder / "s.db");
    EXPECT_EQ(meanwhile->run(1)->state, RunState::Running) << "its process lives";
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(channel[1]);
  for (std::int64_t item; read(channel[0], &item, sizeof item) == sizeof item;) last = item;
  close(channel[0]);

  auto store = *Store::open(folder / "s.db");
  EXPECT_GE(store->samples(1)->size(), static_cast<std::size_t>(last + 1));
  EXPECT_EQ(store->run(1)->state, RunState::Interrupted);
  EXPECT_EQ(store->run(2)->state, RunState::Interrupted);
  EXPECT_THAT(store->notices(), SizeIs(1));
}

TEST(Opening, UpgradesAStoreOfTheFirstVersionWithItsRuns) {
  TemporaryFolder folder;
  {
    auto old = *openForWriting(folder / "s.db", schemaSteps().first(1));
    old.database->exec(R"(
      INSERT INTO hosts VALUES (1, 'h', 'c', 'i', 'k', 2, 3);
      INSERT INTO models VALUES (1, 'f', 'p', 'n', 'a', 'F16', 5, 6);
      INSERT INTO plans VALUES (1, 'dense');
      INSERT INTO runs (key, model, host, plan, command_line, task, seed, state, engine_version, process)
        VALUES ('k', 1, 1, 1, 'c', 't', 1, 'done', '0', ''), ('l', 1, 1, 1, 'c', 't', 1, 'running', '0', 'host boot 1 2');
      INSERT INTO metrics VALUES (1, 'perplexity', 7, NULL, NULL);)");
  }
  auto store = *Store::open(folder / "s.db");
  EXPECT_EQ(store->run(1)->metrics.at("perplexity").value, 7);
  EXPECT_THAT(store->run(1)->provenance, IsEmpty());
  EXPECT_EQ(store->run(2)->state, RunState::Interrupted);
  EXPECT_TRUE(fs::exists(folder / "s.db.v1.bak"));
}

TEST(Opening, AStoreOfTheFirstVersionIsUpgradedWithItsRuns) {
  TemporaryFolder folder;
  const auto path = folder / "old.db";
  {
    const auto old = openForWriting(path, schemaSteps().first(1));
    ASSERT_TRUE(old) << old.error().message;
    old->database->exec(
        "INSERT INTO hosts VALUES (1, 'h', 'c', 'i', 'k', 2, 3);"
        "INSERT INTO models VALUES (1, 'f', 'p', 'n', 'a', 'x', 4, 5);"
        "INSERT INTO plans VALUES (1, 'dense');"
        "INSERT INTO runs (id, key, model, host, plan, command_line, task, seed, state, engine_version) "
        "VALUES (1, 'k', 1, 1, 1, 'l', 't', 0, 'interrupted', '0');"
        "INSERT INTO samples VALUES (1, 7, 'nll', 2.5);");
  }
  const auto store = Store::open(path);
  ASSERT_TRUE(store) << store.error().message;
  const auto samples = (*store)->unfinishedSamples(1);
  ASSERT_TRUE(samples) << samples.error().message;
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ(samples->front().values.at("nll"), 2.5);
  EXPECT_TRUE((*store)->addSample(1, {8, {{"nll", 1}}, "bytes"}));
}

}  // namespace
}  // namespace ts
