// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <random>
#include <span>
#include <vector>

#include "engine/core/result.h"
#include "engine/decoding/filter.h"

namespace ts {

/// Index of the highest logit, the lowest index among equals; fails when no logit is a finite number.
Result<int> argMax(std::span<const float> logits);

/// ln of softmax(logits)[token].
double logProbability(std::span<const float> logits, int token);

/// Chooses one token of a row of logits; keeps its buffers between rows.
class Choice {
 public:
  /// Arg-max of the filtered logits; of the row itself when the chain is empty.
  Result<int> likeliest(std::span<const float> logits, FilterChain& chain);
  /// Draws from the filtered distribution.
  Result<int> drawn(std::span<const float> logits, FilterChain& chain, std::mt19937_64& random);
  /// The filtered distribution: candidates and their probabilities, in one order.
  Result<void> distribution(std::span<const float> logits, FilterChain& chain);

  const Candidates& candidates() const { return candidates_; }
  std::vector<double>& probabilities() { return probabilities_; }

 private:
  Candidates candidates_;
  std::vector<double> probabilities_;
};

}  // namespace ts
