// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/schedule/measured_memory.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/core/child_process.h"

namespace ts {
namespace {

/// Beside this program; in the build tree, tests find it in app/.
Result<std::filesystem::path> commandLineProgram() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const std::filesystem::path& path : {folder / "tradespace-cli", folder.parent_path() / "app" / "tradespace-cli"})
    if (std::filesystem::exists(path, error)) return path;
  return fail(ErrorKind::Unsupported, "memory is measured by tradespace-cli, which is not beside this program", folder.string());
}

}  // namespace

Result<std::map<std::string, double>> measuredMemory(const std::string& model, const Plan& plan, const BenchOptions& options,
                                                     const std::stop_token& stop) {
  TS_TRY(const std::filesystem::path program, commandLineProgram());
  std::vector<std::string> words{"bench", model, "--only-memory", "--json", "--quiet"};
  for (const auto& [flag, value] : {std::pair{"--prompt", options.prompt}, {"--generate", options.generate}, {"--depth", options.depth}})
    words.insert(words.end(), {flag, std::to_string(value)});
  words.insert(words.end(), {"--seed", std::to_string(options.seed)});
  for (const std::string& word : commandWords(plan)) words.push_back(word);
  TS_TRY(const ChildResult child, runChild(program, words, stop));
  const auto json = nlohmann::json::parse(child.output, nullptr, false);
  if (child.status != 0 || !json.is_object() || !json.contains("memory")) {
    const bool told = json.is_object() && json.contains("error");
    return fail(ErrorKind::Internal, told ? json["error"].value("message", "") : "it ended with status " + std::to_string(child.status), program.string());
  }
  const auto& memory = json["memory"];
  return std::map<std::string, double>{{"peak_bytes", memory.value("peak_bytes", 0.0)},
                                       {"load_peak_bytes", memory.value("load_peak_bytes", 0.0)},
                                       {"not_counted_bytes", memory.value("not_counted_bytes", 0.0)},
                                       {"forecast_bytes", memory["forecast"].value("total", 0.0)}};
}

}  // namespace ts
