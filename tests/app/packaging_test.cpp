// SPDX-License-Identifier: GPL-3.0-or-later
// Files that other programs read: desktop entry, metainfo, MIME types, the list of packages.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/app/cli.h"

namespace ts::test {
namespace {

namespace fs = std::filesystem;
const fs::path kPackaging = fs::path(TS_SOURCE_DIR) / "packaging";
const std::string kId = "org.tradespace.Tradespace";

bool have(const std::string& program) { return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0; }

TEST(Packaging, TheDesktopEntryIsValid) {
  if (!have("desktop-file-validate")) GTEST_SKIP() << "desktop-file-validate is not installed";
  EXPECT_EQ(std::system(("desktop-file-validate " + (kPackaging / (kId + ".desktop")).string()).c_str()), 0);
}

TEST(Packaging, TheMetainfoIsValid) {
  if (!have("appstreamcli")) GTEST_SKIP() << "appstreamcli is not installed";
  EXPECT_EQ(std::system(("appstreamcli validate --no-net " + (kPackaging / (kId + ".metainfo.xml")).string()).c_str()), 0);
}

TEST(Packaging, EntryMetainfoAndMimeTypesNameEachOther) {
  const std::string desktop = readFile(kPackaging / (kId + ".desktop")), metainfo = readFile(kPackaging / (kId + ".metainfo.xml")), mime = readFile(kPackaging / (kId + ".mime.xml"));
  EXPECT_NE(metainfo.find("<launchable type=\"desktop-id\">" + kId + ".desktop</launchable>"), std::string::npos);
  for (const std::string type : {"application/x-gguf", "application/x-tradespace-store"}) {
    EXPECT_NE(desktop.find(type), std::string::npos);
    EXPECT_NE(mime.find("\"" + type + "\""), std::string::npos);
  }
  EXPECT_TRUE(fs::exists(fs::path(TS_SOURCE_DIR) / "resources/icons/tradespace.svg"));
}

TEST(Packaging, TheScriptsAreSoundShell) {
  for (const char* script : {"setup", "build", "run", "test", "fetch-models", "common.sh"})
    EXPECT_EQ(std::system(("bash -n " + (kPackaging / script).string()).c_str()), 0) << script;
}

/// What packaging/common.sh's jobs_for says in a control group with these limits.
std::string jobsWithin(const std::string& cpu, const std::string& memory) {
  const fs::path folder = fs::path(testing::TempDir()) / "cgroup", inner = folder / "outer/inner";
  fs::create_directories(inner);
  std::ofstream(folder / "of") << "0::/outer/inner\n";
  std::ofstream(folder / "outer/cpu.max") << cpu << "\n";
  std::ofstream(inner / "cpu.max") << "max 100000\n";
  std::ofstream(inner / "memory.max") << memory << "\n";
  const std::string call = "CGROUP_ROOT=" + folder.string() + " CGROUP_OF=" + (folder / "of").string() + " bash -c 'set -euo pipefail; unset HOME; . " +
                           (kPackaging / "common.sh").string() + "; nproc() { echo 8; }; jobs_for 1; test -n \"$HOME\"' > " + (folder / "out").string();
  EXPECT_EQ(std::system(call.c_str()), 0);
  const std::string out = readFile(folder / "out");
  fs::remove_all(folder);
  return out;
}

TEST(Packaging, BuildJobsKeepToTheLimitsOfAContainer) {
  EXPECT_EQ(jobsWithin("max 100000", "max"), "8\n");
  EXPECT_EQ(jobsWithin("250000 100000", "max"), "3\n") << "the limit of a group above";
  EXPECT_EQ(jobsWithin("20000 100000", "max"), "1\n");
  EXPECT_EQ(jobsWithin("max 100000", "2097152"), "2\n") << "bytes, at one MiB a job";
}

TEST(Packaging, NoPackageIsListedTwice) {
  std::istringstream lines(readFile(kPackaging / "dependencies.txt"));
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    for (std::string word; words >> word;)
      if (word != "|") EXPECT_TRUE(seen.insert(word).second) << word;
  }
  EXPECT_GT(seen.size(), 20u);
}

}  // namespace
}  // namespace ts::test
