// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions on the tiny models of tests/data/families, and the logits of what they run.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/registry/registry.h"
#include "engine/session/session.h"

namespace ts {

inline ThreadPool& pool() {
  static ThreadPool instance(1);  // tests run side by side
  return instance;
}

inline std::shared_ptr<const Model> family(const char* name) {
  const auto checkpoint = openCheckpoint(std::filesystem::path(TS_SOURCE_DIR) / "tests/data/families" / name);
  return *buildModel(*checkpoint, pool());
}

inline std::vector<StrategySpec> specs(const std::string& text) {
  std::vector<StrategySpec> list;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('+', begin), text.size());
    list.push_back(*parseStrategy(text.substr(begin, end - begin), ""));
    begin = end + 1;
  }
  return list;
}

inline std::unique_ptr<Session> open(std::shared_ptr<const Model> model, const std::string& kv) { return *Session::open(std::move(model), pool(), {.kv = specs(kv)}); }

inline std::vector<int> someTokens(int n, int vocabulary = 320) {
  std::vector<int> ids;
  for (int i = 0; i < n; ++i) ids.push_back((i * 7919 + i * i * 31 + 5) % (vocabulary - 3) + 3);
  return ids;
}

using Logits = std::vector<std::vector<float>>;

/// Logits after every token, run `step` tokens at a time as drafts of which all are committed; each draft is followed by a
/// wrong one that is dropped.
inline Logits decoded(Session& session, std::span<const int> tokens, int step) {
  Logits all;
  for (std::size_t begin = 0; begin < tokens.size();) {
    const auto count = std::min<std::size_t>({static_cast<std::size_t>(step), tokens.size() - begin, static_cast<std::size_t>(session.draftLimit())});
    const int wrong[] = {3, 4};
    EXPECT_TRUE(session.decode(DraftTree::chain(std::span(wrong, std::min<std::size_t>(2, static_cast<std::size_t>(session.draftLimit()))))));
    EXPECT_TRUE(session.decode(DraftTree::chain(tokens.subspan(begin, count))));
    std::vector<int> path;
    for (std::size_t i = 0; i < count; ++i) {
      const auto logits = session.logits(static_cast<int>(i));
      all.emplace_back(logits.begin(), logits.end());
      path.push_back(static_cast<int>(i));
    }
    session.commit(path);
    begin += count;
  }
  return all;
}

inline Logits prefilled(Session& session, std::span<const int> tokens, std::int64_t firstWanted = 0) {
  Logits all;
  const auto done = session.prefill(tokens, firstWanted, [&](std::int64_t, std::span<const float> logits) { all.emplace_back(logits.begin(), logits.end()); });
  EXPECT_TRUE(done);
  return all;
}

inline double worst(const Logits& a, const Logits& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t n = 0; n < a[i].size(); ++n) most = std::max<double>(most, std::abs(a[i][n] - b[i][n]));
  return most;
}

inline bool identical(const Logits& a, const Logits& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float)) != 0) return false;
  return true;
}

}  // namespace ts
