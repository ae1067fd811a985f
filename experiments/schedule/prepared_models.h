// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "experiments/schedule/runner.h"

namespace ts {

/// The models a sweep's plans run on, each made once: plans with the same recipe (chain of weight transforms) share
/// one, and recipes with a common beginning share the work of the beginning. Safe from several threads.
class PreparedModels {
 public:
  /// `budget`: bytes of prepared models to keep; above it those not in use are dropped, the longest unused first, and
  /// made again when asked for.
  PreparedModels(Runner& runner, PreparedModel dense, std::uint64_t budget)
      : runner_(runner), dense_(std::move(dense)), budget_(budget) {}

  using Recipe = std::vector<StrategySpec>;
  void announce(const Recipe& recipe);  ///< a plan will want it
  void release(const Recipe& recipe);   ///< that plan is done; what nobody wants any more is freed

  /// The model of the recipe: waits while another thread makes it, makes it when there is none. A failed recipe fails
  /// for all.
  Result<PreparedModel> get(const Recipe& recipe, int threads, std::stop_token stop);
  const PreparedModel& dense() const { return dense_; }
  std::size_t kept() const;  ///< prepared models in memory now, the dense one not counted

 private:
  struct Node {
    int wanted = 0;  ///< plans not done whose recipe is this or begins with it
    int ending = 0;  ///< of those, the ones whose recipe is exactly this
    bool busy = false;
    std::optional<Result<PreparedModel>> result;
    std::uint64_t lastUse = 0;
  };
  bool isShared(const Recipe& prefix, const Recipe& recipe) const;
  void makeRoom();

  Runner& runner_;
  const PreparedModel dense_;
  const std::uint64_t budget_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Node> nodes_;  ///< by chain text
  std::uint64_t uses_ = 0;
};

}  // namespace ts
