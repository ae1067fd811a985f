// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/analysis/compare.h"
#include "experiments/analysis/paired.h"

namespace ts {

/// Samples of the items that both runs scored: A's and B's.
using SamplePairs = std::vector<std::pair<const SampleRecord*, const SampleRecord*>>;
SamplePairs pairSamples(const std::vector<SampleRecord>& a, const std::vector<SampleRecord>& b);

struct ItemTest {
  Estimate estimate;  ///< of B minus A, in the metric's own unit
  std::string method;
  std::int64_t items = 0;
};

/// What the samples say of one metric's difference; nothing where they do not hold what the metric is made of:
///   "correct", "correct_norm" (0 or 1)     -> acc, acc_norm: McNemar's exact test;
///   "nll" with "tokens" / "bytes" (sums)   -> perplexity, log_perplexity_ratio / bits_per_byte: on the log ratio;
///   "ll0" of single continuations          -> perplexity of those;
///   "kl.sum", "kl.same_top", "kl.delta_p" with "kl.positions" -> kl_mean, same_top, delta_p: on the mean of positions;
///   "correct" and "tokens" of answers      -> tokens_per_item, e3 (linearized in both means);
///   "nll", "bytes", "tokens"               -> gained_bits_per_token, ..._per_byte_read, information_capacity;
///   any other value named like the metric  -> its mean.
/// Ratios of sums: paired t by linearization below 30 items, a paired bootstrap (10 000 draws, fixed seed) from there on. Means:
/// paired t. Values counted in tokens are compared between runs of one model only, as another's tokens are other tokens;
/// likelihoods of texts also between models that scored the same stretches.
std::optional<ItemTest> testItems(const MetricDifference& difference, const SamplePairs& pairs, const RunRecord& a, const RunRecord& b);

}  // namespace ts
