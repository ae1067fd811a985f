// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/core/result.h"
#include "engine/evaluation/statistics.h"
#include "engine/evaluation/task.h"
#include "engine/session/session.h"

namespace ts {

/// One row of logits scored for the token that follows; `dense` may be empty. Log-softmax in double precision. KL divergence is
/// the exact sum over the vocabulary of p_dense (log p_dense - log p), in nats.
TokenScore scoreRow(std::span<const float> logits, std::span<const float> dense, int target);

/// One sequence under the plan's key/value strategies, and in lockstep the same one in the untouched model where the run is
/// against dense: no logit file, no more than some tens of megabytes of logits at a time.
class Scorer {
 public:
  /// `reach`: tokens the longest sequence will have.
  static Result<Scorer> open(const TaskRun& run, std::int64_t reach);

  /// To the empty sequence.
  void reset();
  /// The same sequence, to be continued differently.
  Scorer fork() const;
  /// Appends tokens[0 .. n-1) and appends to `out` a score for each of tokens[first .. n) given all before it. first >= 1;
  /// the last token itself is not run.
  Result<void> score(std::span<const int> tokens, std::int64_t first, std::vector<TokenScore>& out, const std::stop_token& stop);
  /// Appends tokens without scoring.
  Result<void> append(std::span<const int> tokens, const std::stop_token& stop);

  std::int64_t position() const { return plan_->position(); }
  bool lockstep() const { return dense_ != nullptr; }
  Session& session() { return *plan_; }

 private:
  explicit Scorer(ThreadPool& pool) : pool_(&pool) {}
  void flush(std::span<const int> targets, std::vector<TokenScore>& out);

  ThreadPool* pool_;
  std::unique_ptr<Session> plan_, dense_;
  std::int64_t vocabulary_ = 0, rows_ = 0;
  Buffer<float> logits_, denseLogits_;  // rows waiting to be scored
};

}  // namespace ts
