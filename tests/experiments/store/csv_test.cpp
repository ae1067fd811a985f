// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <fstream>
#include <sstream>

#include "experiments/store/store.h"
#include "temporary_folder.h"

namespace ts {
namespace {

using testing::HasSubstr;

TEST(Csv, QuotesWhatNeedsIt) {
  EXPECT_EQ(csvField("plain text"), "plain text");
  EXPECT_EQ(csvField("a,b"), "\"a,b\"");
  EXPECT_EQ(csvField("say \"hi\"\nthere"), "\"say \"\"hi\"\"\nthere\"");
}

TEST(Csv, WritesNumbersTheSameInEveryLocale) {
  std::setlocale(LC_ALL, "de_DE.UTF-8");
  EXPECT_EQ(csvNumber(0.1), "0.1");
  EXPECT_EQ(csvNumber(40123456.0), "40123456");
  EXPECT_EQ(csvNumber(std::nan("")), "");
  std::setlocale(LC_ALL, "C");
}

TEST(Csv, HasUnitsInTheHeaderAndEmptyFieldsForWhatWasNotMeasured) {
  RunRecord one, two;
  one.id = 1;
  one.metrics["ttft_ms"] = {.value = 12.5};
  one.settings["kv"] = "q8, \"window\"";
  two.id = 2;
  two.metrics["perplexity"] = {.value = 7, .stderr_ = 0.25, .n = 99};
  std::ostringstream out;
  writeCsv(out, {one, two});
  std::istringstream in(out.str());
  std::string head, first, second;
  std::getline(in, head);
  std::getline(in, first);
  std::getline(in, second);
  EXPECT_EQ(head.back(), '\r');
  EXPECT_THAT(head, HasSubstr("seed,kv,perplexity,perplexity stderr,perplexity n,ttft_ms [ms],ttft_ms stderr [ms],"));
  EXPECT_THAT(first, HasSubstr("\"q8, \"\"window\"\"\",,,,12.5,,"));
  EXPECT_THAT(second, HasSubstr(",7,0.25,99,,,"));
}

TEST(Csv, IsExportedWholeOrNotAtAll) {
  TemporaryFolder folder;
  auto store = *Store::inMemory();
  RunRecord run;
  run.key = "k";
  run.model.fingerprint = "f";
  ASSERT_TRUE(store->addRun(run));
  EXPECT_EQ(*store->exportCsv(folder / "runs.csv"), 1);
  EXPECT_TRUE(std::filesystem::exists(folder / "runs.csv"));
  const auto failed = store->exportCsv(folder / "no/such/runs.csv");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::Io);
  const auto onto = store->exportCsv(folder.path());
  EXPECT_FALSE(onto);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "no leftovers";
}

}  // namespace
}  // namespace ts
