// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/registry/registry.h"
#include "engine/session/session.h"
#include "engine/transforms/transform.h"

namespace ts {

inline ThreadPool& testPool() {
  static ThreadPool pool(1);  // tests run side by side
  return pool;
}

inline std::shared_ptr<const Model> loadModel(const std::filesystem::path& path) {
  const auto checkpoint = openCheckpoint(path);
  EXPECT_TRUE(checkpoint) << checkpoint.error().message;
  const auto model = buildModel(*checkpoint, testPool());
  EXPECT_TRUE(model) << model.error().message;
  return *model;
}

/// The tiny random model of a family (tests/data/families).
inline std::shared_ptr<const Model> family(const std::string& name) {
  return loadModel(std::filesystem::path(TS_SOURCE_DIR) / "tests/data/families" / name);
}

inline std::vector<int> someTokens(int n, int vocabulary, unsigned seed = 1) {
  std::vector<int> ids;
  std::uint32_t state = seed * 2654435761u;
  for (int i = 0; i < n; ++i) ids.push_back(static_cast<int>((state = state * 1664525u + 1013904223u) >> 8) % vocabulary);
  return ids;
}

inline TransformContext randomCalibration(const Model& model, int sequences = 6, int length = 48) {
  TransformContext context{.pool = testPool()};
  for (int i = 0; i < sequences; ++i)
    context.calibration.push_back(someTokens(length, static_cast<int>(model.embedding->rows()), static_cast<unsigned>(i) + 1));
  return context;
}

inline Result<Prepared> prepareText(std::shared_ptr<const Model> model, std::vector<std::string> recipe, TransformContext context) {
  std::vector<StrategySpec> specs;
  for (const std::string& text : recipe) {
    TS_TRY(StrategySpec spec, parseStrategy(text, "--weights"));
    specs.push_back(std::move(spec));
  }
  return prepare(std::move(model), specs, context);
}

/// Prepared, or a failed test.
inline Prepared prepared(std::shared_ptr<const Model> model, std::vector<std::string> recipe) {
  auto context = randomCalibration(*model);
  auto result = prepareText(model, std::move(recipe), std::move(context));
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Prepared{model, {}};
}

/// Logits after each token.
inline std::vector<float> logitsOf(std::shared_ptr<const Model> model, std::span<const int> tokens) {
  const auto session = Session::open(std::move(model), testPool(), {});
  EXPECT_TRUE(session);
  std::vector<float> all;
  EXPECT_TRUE((*session)->prefill(tokens, 0, [&](std::int64_t, std::span<const float> logits) { all.insert(all.end(), logits.begin(), logits.end()); }));
  return all;
}

/// ||a - b|| / ||a||
inline double relativeDifference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    size += double{a[i]} * a[i];
  }
  return std::sqrt(difference / size);
}

}  // namespace ts
