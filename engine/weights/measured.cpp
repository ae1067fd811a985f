// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/measured.h"

#include <cctype>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "engine/core/cpu.h"
#include "engine/core/version.h"
#include "engine/kernels/dnnl.h"
#include "engine/kernels/isa.h"

namespace ts {
namespace {

/// To be counted up when kernels change so much that what was measured says nothing any more.
constexpr int kVersion = 8;

std::filesystem::path cacheFile() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (!(xdg && *xdg) && !(home && *home)) return {};
  const std::filesystem::path base = xdg && *xdg ? std::filesystem::path(xdg) : std::filesystem::path(home) / ".cache";
  std::string name = "kernels-" + std::to_string(kVersion) + "-" + kernelIsa() + "-onednn-" + dnnlVersion() + "-" + std::string(buildType()) + "-";
  for (const char c : cpuInfo().model) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return base / "tradespace" / (name + ".txt");
}

}  // namespace

std::optional<std::string> measuredBefore(const std::string& name) {
  std::ifstream file(cacheFile());
  std::optional<std::string> words;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ' ')) words = line.substr(name.size() + 1);
  return words;
}

void keepMeasured(const std::string& name, const std::string& words) {
  const std::filesystem::path path = cacheFile();
  if (path.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::ofstream(path, std::ios::app) << name + ' ' + words + '\n';
}

double cpuSeconds() {
#ifdef CLOCK_THREAD_CPUTIME_ID
  timespec now{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0) return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
#endif
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace ts
