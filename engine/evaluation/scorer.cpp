// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/scorer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace ts {

namespace {

constexpr std::int64_t kLogitBytes = 32 << 20;  // of one model's waiting rows

// log(sum(exp(logits)))
double logSumExp(std::span<const float> logits, float highest) {
  double sum = 0;
  for (const float l : logits) sum += static_cast<double>(std::exp(l - highest));
  return static_cast<double>(highest) + std::log(sum);
}

}  // namespace

TokenScore scoreRow(std::span<const float> logits, std::span<const float> dense, int target) {
  const auto at = static_cast<std::size_t>(target);
  const auto top = std::max_element(logits.begin(), logits.end());
  const double norm = logSumExp(logits, *top);
  TokenScore score;
  score.nll = norm - static_cast<double>(logits[at]);
  score.top = top - logits.begin() == target;
  if (dense.empty()) return score;
  const auto denseTop = std::max_element(dense.begin(), dense.end());
  const double denseNorm = logSumExp(dense, *denseTop);
  score.denseNll = denseNorm - static_cast<double>(dense[at]);
  score.denseTop = denseTop - dense.begin() == target;
  score.sameTop = denseTop - dense.begin() == top - logits.begin();
  // sum p (log p - log q) = sum p (dense - logits) - (denseNorm - norm), as p sums to one
  double sum = 0;
  const float shift = static_cast<float>(denseNorm);
  for (std::size_t i = 0; i < dense.size(); ++i)
    sum += static_cast<double>(std::exp(dense[i] - shift)) * (static_cast<double>(dense[i] - logits[i]) - (denseNorm - norm));
  score.kl = std::max(0.0, sum);
  return score;
}

Result<Scorer> Scorer::open(const TaskRun& run, std::int64_t reach) {
  Scorer scorer(run.pool);
  SessionOptions options;
  options.kv = run.plan.kv;
  options.activations = run.plan.activations;
  options.capacity = reach;
  TS_TRY(scorer.plan_, Session::open(run.prepared, run.pool, options));
  scorer.vocabulary_ = run.prepared->config.vocabulary;
  if (run.dense) {
    if (run.dense->config.vocabulary != run.prepared->config.vocabulary)
      return fail("the dense model has " + std::to_string(run.dense->config.vocabulary) + " tokens, the one under test " +
                      std::to_string(run.prepared->config.vocabulary) + ": they cannot be compared",
                  "--against");
    SessionOptions plain;
    plain.capacity = reach;
    TS_TRY(scorer.dense_, Session::open(run.dense, run.pool, plain));
  }
  scorer.rows_ = std::clamp<std::int64_t>(kLogitBytes / (scorer.vocabulary_ * 4), 16, 256);
  return scorer;
}

void Scorer::reset() {
  plan_->reset();
  if (dense_) dense_->reset();
}

Scorer Scorer::fork() const {
  Scorer copy(*pool_);
  copy.plan_ = plan_->fork();
  if (dense_) copy.dense_ = dense_->fork();
  copy.vocabulary_ = vocabulary_;
  copy.rows_ = rows_;
  return copy;
}

Result<void> Scorer::append(std::span<const int> tokens, const std::stop_token& stop) {
  const auto none = static_cast<std::int64_t>(tokens.size());
  TS_CHECK(plan_->prefill(tokens, none, {}, stop));
  if (dense_) TS_CHECK(dense_->prefill(tokens, none, {}, stop));
  return {};
}

// Positions are split among the workers, each sum is one worker's: the result does not depend on their number.
void Scorer::flush(std::span<const int> targets, std::vector<TokenScore>& out) {
  const std::size_t begin = out.size(), width = static_cast<std::size_t>(vocabulary_);
  out.resize(begin + targets.size());
  pool_->split(static_cast<std::int64_t>(targets.size()), 1, [&](Range range, int) {
    for (auto i = static_cast<std::size_t>(range.begin); i < static_cast<std::size_t>(range.end); ++i) {
      const std::span<const float> row(logits_.data() + i * width, width);
      const std::span<const float> dense = dense_ ? std::span<const float>(denseLogits_.data() + i * width, width) : std::span<const float>();
      out[begin + i] = scoreRow(row, dense, targets[i]);
    }
  });
}

Result<void> Scorer::score(std::span<const int> tokens, std::int64_t first, std::vector<TokenScore>& out, const std::stop_token& stop) {
  assert(first >= 1);
  const auto n = static_cast<std::int64_t>(tokens.size());
  if (first >= n) return {};
  const auto width = static_cast<std::size_t>(vocabulary_);
  const auto most = static_cast<std::size_t>(std::min(rows_, n - first)) * width;
  logits_.resize(std::max(logits_.size(), most));
  if (dense_) denseLogits_.resize(std::max(denseLogits_.size(), most));

  if (!dense_) {
    std::int64_t waiting = 0, scored = first;
    TS_CHECK(plan_->prefill(tokens.first(static_cast<std::size_t>(n - 1)), first - 1, [&](std::int64_t, std::span<const float> row) {
      std::copy(row.begin(), row.end(), logits_.data() + static_cast<std::size_t>(waiting) * width);
      if (++waiting < rows_ && scored + waiting < n) return;
      flush(tokens.subspan(static_cast<std::size_t>(scored), static_cast<std::size_t>(waiting)), out);
      scored += waiting;
      waiting = 0;
    }, stop));
    return {};
  }

  TS_CHECK(append(tokens.first(static_cast<std::size_t>(first - 1)), stop));
  for (std::int64_t at = first; at < n; at += rows_) {
    const auto count = static_cast<std::size_t>(std::min(rows_, n - at));
    const auto slice = tokens.subspan(static_cast<std::size_t>(at - 1), count);
    const auto into = [&](Buffer<float>& rows) {
      return [&rows, width](std::int64_t i, std::span<const float> row) { std::copy(row.begin(), row.end(), rows.data() + static_cast<std::size_t>(i) * width); };
    };
    TS_CHECK(dense_->prefill(slice, 0, into(denseLogits_), stop));
    TS_CHECK(plan_->prefill(slice, 0, into(logits_), stop));
    flush(tokens.subspan(static_cast<std::size_t>(at), count), out);
  }
  return {};
}

}  // namespace ts
