// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/model_path.h"

#include <algorithm>
#include <system_error>

#include "engine/core/resources.h"

namespace ts {
namespace fs = std::filesystem;

namespace {
constexpr std::string_view kEmbedded = "embedded:";
}

std::vector<std::string> embeddedModels() {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(resourceFolder() / "models", error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

Result<fs::path> modelPath(std::string_view model) {
  std::error_code error;
  if (!model.starts_with(kEmbedded)) {
    if (model.empty()) return fail("no model named: expected a GGUF file, a Hugging Face folder or embedded:NAME");
    if (!fs::exists(model, error))
      return fail("no such file or folder: expected a GGUF file, a Hugging Face folder or embedded:NAME", std::string(model));
    return fs::path(model);
  }
  const std::vector<std::string> names = embeddedModels();
  const std::string_view name = model.substr(kEmbedded.size());
  if (std::find(names.begin(), names.end(), name) != names.end()) return resourceFolder() / "models" / name;
  std::string known;
  for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
  return fail("no model of this name comes with the program; there are: " + (known.empty() ? "none" : known),
              std::string(model));
}

}  // namespace ts
