// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "engine/core/ledger.h"
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

  /// From now on "sample.candidates" is the mean number of tokens the chain leaves to draw from.
  void countInto(std::map<std::string, double>& engaged);

  const Candidates& candidates() const { return candidates_; }
  std::vector<double>& probabilities() { return probabilities_; }

 private:
  Candidates candidates_;
  std::vector<double> probabilities_;
  double* meanLeft_ = nullptr;
  double rows_ = 0;
};

struct DecodeContext;

/// The next token of the sequence by one of the two rules; the chain, the scores and the ledger hear of it.
Result<int> chooseNext(DecodeContext& context, Choice& choice, std::span<const float> logits, bool drawn);

/// Books its own lifetime as Operation::Sampling: one pass over a row of logits.
class SamplingCost {
 public:
  SamplingCost(Ledger& ledger, std::span<const float> logits) : ledger_(ledger), bytes_(logits.size_bytes()) {}
  SamplingCost(const SamplingCost&) = delete;
  SamplingCost& operator=(const SamplingCost&) = delete;
  ~SamplingCost() {
    const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_);
    ledger_.add(Operation::Sampling, {bytes_, bytes_ / sizeof(float), static_cast<std::uint64_t>(spent.count()), 1});
  }

 private:
  Ledger& ledger_;
  std::uint64_t bytes_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace ts
