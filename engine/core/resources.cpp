// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/resources.h"

#include <cstdlib>
#include <system_error>

namespace ts {
namespace fs = std::filesystem;

namespace {

bool isResourceFolder(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder / "models", error) || fs::is_directory(folder / "tasks", error);
}

fs::path findResources() {
  std::error_code error;
  if (const char* asked = std::getenv("TRADESPACE_RESOURCES"); asked && *asked) return fs::path(asked);
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path installed = program.parent_path().parent_path() / "share" / "tradespace";
    if (isResourceFolder(installed)) return installed;
    for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
      if (isResourceFolder(folder / "resources")) return folder / "resources";
  }
  return fs::path(TS_SOURCE_RESOURCES);
}

}  // namespace

fs::path resourceFolder() {
  static const fs::path folder = findResources();
  return folder;
}

}  // namespace ts
