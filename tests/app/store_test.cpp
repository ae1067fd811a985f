// SPDX-License-Identifier: GPL-3.0-or-later
// A sweep from its file to a store, and what is read out of it: sweep, front, compare, export, rerun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/app/cli.h"

namespace ts::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kSweep = R"({
  // small enough for a test
  "name": "test", "model": "embedded:ts-2m-draft", "seed": 1,
  "task": {"name": "wikitext2", "limit": 2, "context": 128, "against_dense": true},
  "bench": {"prompt": 16, "generate": 8, "repetitions": 2, "depth": [0, 32], "warmup": 2},
  "groups": [{"weights": ["", "q8", "q4:group=32|64"]}]
})";

/// One sweep for all tests of this file.
class Swept : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new Folder;
    writeFile(*folder_ / "sweep.json", kSweep);
    first_ = cliJson({"sweep", *folder_ / "sweep.json", "--store", store(), "--workers", "2"});
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string store() { return *folder_ / "runs.tradespace"; }

  inline static Folder* folder_ = nullptr;
  inline static Json first_;
};

TEST_F(Swept, EveryPlanIsMeasured) {
  ASSERT_EQ(missingKeys(first_, {"plans", "done", "reused", "refused", "failed", "seconds"}), "");
  EXPECT_EQ(first_["plans"], 4);
  EXPECT_EQ(first_["done"], 4);
  EXPECT_EQ(first_["failed"], 0);
}

TEST_F(Swept, AMeasuredKeyIsNotMeasuredAgain) {
  const Json again = cliJson({"sweep", *folder_ / "sweep.json", "--store", store()});
  EXPECT_EQ(again["reused"], 4);
  EXPECT_EQ(again["done"], 0);
}

TEST_F(Swept, TheFrontHasPointsAKneeAndAVolume) {
  const Json front = cliJson({"front", store(), "--x", "bytes_total", "--y", "perplexity", "--svg", *folder_ / "front.svg", "--csv", *folder_ / "front.csv"});
  ASSERT_EQ(missingKeys(front, {"points", "hypervolume", "knee"}), "");
  ASSERT_GE(front["points"].size(), 2u) << front;
  for (const Json& point : front["points"]) EXPECT_EQ(missingKeys(point, {"run", "x", "y", "plan"}), "");
  EXPECT_THAT(readFile(*folder_ / "front.svg"), HasSubstr("</svg>"));
  EXPECT_THAT(readFile(*folder_ / "front.csv"), HasSubstr("perplexity"));
}

TEST_F(Swept, AnUnknownMetricIsAnsweredWithTheKnownOnes) {
  EXPECT_THAT(cliError({"front", store(), "--x", "beauty", "--y", "perplexity"}), AllOf(HasSubstr("beauty"), HasSubstr("decode_tokens_per_s")));
}

TEST_F(Swept, TwoRunsAreComparedItemByItem) {
  const Json same = cliJson({"compare", store(), "1", "2"});
  ASSERT_EQ(missingKeys(same, {"differs", "metrics.perplexity"}), "");
  EXPECT_FALSE(same["differs"].empty());
  ASSERT_EQ(missingKeys(same, {"answer", "items.list", "items.only_a", "items.only_b", "metrics.perplexity.low", "metrics.perplexity.high"}), "");
  EXPECT_THAT(same["answer"].get<std::string>(), AllOf(HasSubstr("95 % interval"), HasSubstr("over 2 items")));
  EXPECT_EQ(same["items"]["n"], 2);
  ASSERT_EQ(same["items"]["list"].size(), 2u);
  for (const Json& item : same["items"]["list"]) EXPECT_GT(item["text"].get<std::string>().size(), 50u) << item;
  EXPECT_TRUE(cliJson({"compare", store(), "1", "2", "--items", "0"})["items"]["list"].empty());
  EXPECT_THAT(cliError({"compare", store(), "1", "99"}), HasSubstr("99"));
}

TEST_F(Swept, ARunIsRepeatedToTheLastBit) {
  const Json again = cliJson({"rerun", store(), "3"});
  ASSERT_EQ(missingKeys(again, {"agrees", "items", "latency.decode_tokens_per_s.now", "latency.decode_tokens_per_s_at_32.now", "metrics.perplexity.equal", "metrics.kl_mean.equal"}), "");
  EXPECT_TRUE(again["agrees"]);
  EXPECT_EQ(again["items"], 2);
  EXPECT_EQ(again["items_differing"], 0);
  EXPECT_TRUE(again["changed"].empty()) << again["changed"];
}

TEST_F(Swept, ARunThatDoesNotAgreeEndsWithAStatus) {
  Folder folder;
  const std::string copy = folder / "changed.db";
  fs::copy_file(store(), copy);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(copy.c_str(), &database), SQLITE_OK);
  sqlite3_exec(database,
               "UPDATE samples SET value = value * (1 + 1e-15) WHERE run = 2 AND item = 1 AND name = 'nll';"
               "UPDATE provenance SET value = '0.0.1' WHERE run = 2 AND name = 'library.onednn'",
               nullptr, nullptr, nullptr);
  sqlite3_close(database);
  const Outcome outcome = cli({"rerun", copy, "2", "--no-latency", "--json"});
  EXPECT_EQ(outcome.status, 1);
  const Json again = Json::parse(outcome.out);
  EXPECT_FALSE(again["agrees"]);
  EXPECT_EQ(again["items_differing"], 1);
  EXPECT_THAT(again["changed"].dump(), HasSubstr("library.onednn was 0.0.1"));
  EXPECT_TRUE(again["latency"].empty());
}

TEST_F(Swept, AllRunsAreExported) {
  const Json exported = cliJson({"export", store(), "--csv", *folder_ / "runs.csv"});
  EXPECT_EQ(exported["rows"], 4);
  EXPECT_THAT(readFile(*folder_ / "runs.csv"), HasSubstr("perplexity"));
}

TEST_F(Swept, AFullDiskFailsTheExportAndLeavesNothing) {
  const Folder out;
  cliError({"export", store(), "--csv", out / "runs.csv"}, 1, {.fileBytes = 4096});
  EXPECT_THAT(out.names(), testing::IsEmpty());
}

TEST_F(Swept, ReadingNeedsNoPermissionToWrite) {
  const fs::path copy = *folder_ / "readonly.tradespace";
  fs::copy_file(store(), copy, fs::copy_options::overwrite_existing);
  fs::permissions(copy, fs::perms::owner_read);
  const Outcome front = cli({"front", copy, "--x", "bytes_total", "--y", "perplexity", "--json"}, {.obeyModes = true});
  if (front.status == 99) GTEST_SKIP() << "cannot give up root's rights here";
  EXPECT_EQ(front.status, 0) << front.out;
}

TEST_F(Swept, ASweepIntoAReadOnlyStoreIsRefused) {
  const fs::path copy = *folder_ / "refused.tradespace";
  fs::copy_file(store(), copy, fs::copy_options::overwrite_existing);
  fs::permissions(copy, fs::perms::owner_read);
  if (cli({"--version"}, {.obeyModes = true}).status == 99) GTEST_SKIP() << "cannot give up root's rights here";
  EXPECT_THAT(cliError({"sweep", *folder_ / "sweep.json", "--store", copy}, 1, {.obeyModes = true}), HasSubstr("refused.tradespace"));
}

TEST_F(Swept, AStoreFromANewerVersionIsRefusedAndLeftAlone) {
  const fs::path copy = *folder_ / "newer.tradespace";
  fs::copy_file(store(), copy, fs::copy_options::overwrite_existing);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(copy.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 9999", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  const std::string before = readFile(copy);
  EXPECT_THAT(cliError({"front", copy, "--x", "bytes_total", "--y", "perplexity"}), AllOf(HasSubstr("newer.tradespace"), HasSubstr("newer")));
  EXPECT_THAT(cliError({"sweep", *folder_ / "sweep.json", "--store", copy}), HasSubstr("newer"));
  EXPECT_EQ(readFile(copy), before);
}

TEST(Rerun, TimesAmongTheItemsNeedNotRepeat) {
  const Folder folder;
  writeFile(folder / "sweep.json", R"({"name": "ic", "model": "embedded:ts-2m-draft", "bench": null,
      "task": {"name": "information-capacity", "limit": 1}, "groups": [{}]})");
  cliJson({"sweep", folder / "sweep.json", "--store", folder / "s.tradespace"});
  const Json again = cliJson({"rerun", folder / "s.tradespace", "1"});
  EXPECT_EQ(again["agrees"], true) << again;
  EXPECT_EQ(again["items"], 1);
}

TEST(Store, AFileThatIsNoStoreIsSaid) {
  Folder folder;
  writeFile(folder / "letter.txt", std::string(5000, 'x'));
  EXPECT_THAT(cliError({"front", folder / "letter.txt", "--x", "a", "--y", "b"}), HasSubstr("letter.txt"));
  EXPECT_THAT(cliError({"export", folder / "none.tradespace", "--csv", folder / "out.csv"}), HasSubstr("none.tradespace"));
}

TEST(Sweep, AFileThatIsNotASweepIsSaidWithItsPlace) {
  Folder folder;
  writeFile(folder / "bad.json", "{\"name\": \"x\",\n \"model\": }");
  EXPECT_THAT(cliError({"sweep", folder / "bad.json", "--store", folder / "s"}), HasSubstr("bad.json"));
  writeFile(folder / "odd.json", R"({"name": "x", "model": "embedded:ts-2m-draft", "groups": [{"weights": ["shrink-it"]}]})");
  EXPECT_THAT(cliError({"sweep", folder / "odd.json", "--store", folder / "s"}), HasSubstr("shrink-it"));
  EXPECT_THAT(cliError({"sweep", folder / "none.json", "--store", folder / "s"}), HasSubstr("none.json"));
}

TEST(Sweep, AFullDiskEndsItWithAMessageAndAStoreThatStillOpens) {
  Folder folder;
  writeFile(folder / "sweep.json", kSweep);
  EXPECT_THAT(cliError({"sweep", folder / "sweep.json", "--store", folder / "full.tradespace"}, 1, {.fileBytes = 120'000}), HasSubstr("full.tradespace"));
  if (fs::exists(folder / "full.tradespace")) {
    EXPECT_EQ(cli({"export", folder / "full.tradespace", "--csv", folder / "runs.csv"}).status, 0);
  }
}

}  // namespace
}  // namespace ts::test
