// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "engine/core/resources.h"
#include "engine/evaluation/data.h"
#include "engine/evaluation/evaluate.h"

namespace ts {

using Json = nlohmann::json;
namespace fs = std::filesystem;

inline ThreadPool& pool() {
  static ThreadPool instance(1);
  return instance;
}

inline std::shared_ptr<const Model> load(const fs::path& path) {
  const auto checkpoint = openCheckpoint(path);
  if (!checkpoint) throw std::runtime_error(checkpoint.error().message);
  const auto model = buildModel(*checkpoint, pool());
  if (!model) throw std::runtime_error(model.error().message);
  return *model;
}

inline const std::shared_ptr<const Model>& embedded() {
  static const auto model = load(resourceFolder() / "models/ts-16m");
  return model;
}

inline fs::path fetched(const char* name) {
  const char* folder = std::getenv("TRADESPACE_MODELS");
  const char* home = std::getenv("HOME");
  return (folder ? fs::path(folder) : fs::path(home ? home : "") / ".cache/tradespace-models") / name;
}

inline EvaluationResult run(const std::shared_ptr<const Model>& model, const EvaluationOptions& options, const Plan& plan = {}, const EvaluationHooks& hooks = {}) {
  auto result = evaluate(model, model, plan, options, pool(), hooks);
  if (!result) throw std::runtime_error(result.error().message + " (" + result.error().where + ")");
  return *std::move(result);
}

/// A file of the user's own, gone with the object.
struct OwnFile {
  fs::path path = fs::temp_directory_path() / ("tradespace-own-" + std::to_string(::getpid()) + ".jsonl");
  explicit OwnFile(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
  ~OwnFile() { fs::remove(path); }
};

inline std::string firstLines(const char* data, std::int64_t lines) {
  const auto all = readTaskData(resourceFolder() / "tasks" / data);
  std::size_t end = 0;
  for (; lines > 0; --lines) end = all->bytes.find('\n', end) + 1;
  return all->bytes.substr(0, end);
}

}  // namespace ts
