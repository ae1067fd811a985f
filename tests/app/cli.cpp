// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/app/cli.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace ts::test {
namespace fs = std::filesystem;
namespace {

void obey(const Limits& limits) {
  const auto limit = [](int what, std::int64_t bytes) {
    if (bytes < 0) return;
    const rlimit value{static_cast<rlim_t>(bytes), static_cast<rlim_t>(bytes)};
    if (setrlimit(static_cast<__rlimit_resource>(what), &value) != 0) _exit(99);
  };
  limit(RLIMIT_FSIZE, limits.fileBytes);
  limit(RLIMIT_AS, limits.memoryBytes);
  if (limits.obeyModes && geteuid() == 0)
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH})
      if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) _exit(99);
}

}  // namespace

Outcome cli(const std::vector<std::string>& arguments, const Limits& limits) {
  Folder folder;
  std::vector<char*> argv;
  std::vector<std::string> words{TS_CLI};
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string out = folder / "out", err = folder / "err";

  const pid_t child = fork();
  if (child == 0) {
    // Standard output and error are files here and fall under the limit too; what is printed is short.
    for (const auto& [path, descriptor] : {std::pair{"/dev/null", 0}, std::pair{out.c_str(), 1}, std::pair{err.c_str(), 2}}) {
      const int file = open(path, descriptor == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (file < 0 || dup2(file, descriptor) < 0) _exit(98);
    }
    obey(limits);
    execv(argv[0], argv.data());
    _exit(97);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), readFile(out), readFile(err)};
}

Json Outcome::json() const {
  Json parsed = Json::parse(out, nullptr, false);
  EXPECT_TRUE(parsed.is_object()) << "not one JSON object: " << out << err;
  return parsed;
}

Json cliJson(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Outcome outcome = cli(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  return outcome.json();
}

std::string cliError(std::vector<std::string> arguments, int status, const Limits& limits) {
  arguments.emplace_back("--json");
  const Outcome outcome = cli(arguments, limits);
  EXPECT_EQ(outcome.status, status) << outcome.out << outcome.err;
  const Json json = outcome.json();
  EXPECT_EQ(missingKeys(json, {"error.message", "error.where"}), "") << outcome.out;
  if (!json.is_object() || !json.contains("error")) return outcome.out;
  return json["error"]["message"].get<std::string>() + "\n" + json["error"]["where"].get<std::string>();
}

Folder::Folder() {
  std::string pattern = (fs::temp_directory_path() / "tradespace-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}
Folder::~Folder() {
  std::error_code error;
  fs::permissions(path_, fs::perms::owner_all, error);
  fs::remove_all(path_, error);
}
std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string readFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void writeFile(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

std::string missingKeys(const Json& json, const std::vector<std::string>& keys) {
  std::string missing;
  for (const std::string& key : keys) {
    std::string pointer = "/" + key;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    if (!json.is_object() || !json.contains(Json::json_pointer(pointer))) missing += key + " ";
  }
  return missing;
}

}  // namespace ts::test
