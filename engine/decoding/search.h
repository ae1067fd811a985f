// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace ts {

/// One of several continuations of the same prompt.
struct SearchCandidate {
  std::vector<int> ids;
  std::string text;
  std::vector<double> logProbabilities;  ///< ln p of each token under the model's own distribution, before any filter
};

/// Spends several continuations on one answer (engine/decoding/searches/: one file each). generate() reads the prompt
/// once, forks the session for each candidate and decodes it with the plan's decode strategy and its own random
/// numbers.
class Search {
 public:
  virtual ~Search() = default;
  virtual int candidates() const = 0;
  /// Index of the answer (of at least one candidate). `counts` takes what the run should report ("search.votes" ...).
  virtual std::size_t choose(std::span<const SearchCandidate> candidates,
                             std::map<std::string, double>& counts) const = 0;
};

/// Mean of the tokens' log-probabilities; 0 for an empty continuation.
double meanLogProbability(const SearchCandidate& candidate);

}  // namespace ts
