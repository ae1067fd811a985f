// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ts {

/// The tokens still in the running. Filters see and shorten this list; they never see the whole vocabulary twice.
struct Candidate {
  int id;
  float logit;
};
struct Candidates {
  std::vector<Candidate> items;
  bool sorted = false;  ///< by falling logit, ties by id
  void sort();
  /// Softmax over the remaining logits, in the order of items.
  void probabilities(std::vector<double>& out) const;
};

/// One step of the sampling chain (engine/decoding/filters/: one file each). Promise 5: can be cloned and rolled back,
/// so penalties and grammars work along every path of a speculation tree.
class LogitFilter {
 public:
  virtual ~LogitFilter() = default;
  virtual void apply(Candidates& candidates) = 0;
  virtual void accept(int token) { (void)token; }          ///< the token was chosen (prompt tokens included)
  virtual void rollback(std::int64_t tokens) { (void)tokens; }  ///< forget the last accepted ones
  virtual std::unique_ptr<LogitFilter> clone() const = 0;
};

}  // namespace ts
