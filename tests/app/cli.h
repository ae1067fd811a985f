// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ts::test {

using Json = nlohmann::json;

/// What the program's child process is not allowed to do.
struct Limits {
  std::int64_t fileBytes = -1;    ///< no file may grow beyond this, as on a full disk
  std::int64_t memoryBytes = -1;  ///< of address space
  bool obeyModes = false;         ///< permission bits hold even for root
};

struct Outcome {
  int status = -1;  ///< exit status; 128 + signal when one ended it
  std::string out, err;
  /// Standard output as the one JSON object it must be; a discarded value (and a failed expectation) when it is not.
  Json json() const;
};

/// Runs tradespace-cli with these arguments, no terminal, nothing on standard input.
Outcome cli(const std::vector<std::string>& arguments, const Limits& limits = {});
/// The same, with --json; expects exit status 0 and gives the object.
Json cliJson(std::vector<std::string> arguments);
/// With --json; expects exit status `status` and the shape of a failure; gives "message" and "where" in one text.
std::string cliError(std::vector<std::string> arguments, int status = 1, const Limits& limits = {});

/// A folder that goes away with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::string> names() const;  ///< of what lies in it, sorted

 private:
  std::filesystem::path path_;
};

std::string readFile(const std::filesystem::path& path);
void writeFile(const std::filesystem::path& path, std::string_view text);

/// `keys` that `json` lacks, as one text; empty when it has them all. "kl.mean" is a key of an object in it.
std::string missingKeys(const Json& json, const std::vector<std::string>& keys);

inline const std::string kModel = "embedded:ts-16m";
inline const std::string kDraft = "embedded:ts-2m-draft";

}  // namespace ts::test
