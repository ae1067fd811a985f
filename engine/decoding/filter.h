// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace ts {

/// The tokens still in the running. Filters see and shorten this list; they never see the whole vocabulary twice.
struct Candidate {
  int id;
  float logit;
  bool operator==(const Candidate&) const = default;
};

struct Candidates {
  std::vector<Candidate> items;
  bool sorted = false;  ///< by falling logit, ties by id

  /// Every token of a row of logits, in the order of ids. A logit that is not a number counts as the lowest.
  void assign(std::span<const float> logits);
  void sort();
  /// Brings the n likeliest to the front, in order; the others stay behind them in no order. Cheaper than sort().
  void sortFront(std::size_t n);
  /// Only the first n remain (n >= 1).
  void keepFront(std::size_t n);
  /// The likeliest one, without sorting.
  const Candidate& best() const;
  /// Softmax over the remaining logits, in the order of items.
  void probabilities(std::vector<double>& out) const;
};

/// One step of the sampling chain (engine/decoding/filters/: one file each). Promise 5: can be cloned and rolled back,
/// so penalties and grammars work along every path of a speculation tree.
///
/// A filter that only shapes the distribution to draw from registers `needs = {"sampling"}`: without drawing it would
/// do nothing. A penalty needs nothing: it changes which token is the likeliest.
class LogitFilter {
 public:
  virtual ~LogitFilter() = default;
  /// Leaves at least one candidate.
  virtual void apply(Candidates& candidates) = 0;
  virtual void accept(int token) { (void)token; }               ///< the token was chosen (prompt tokens included)
  virtual void rollback(std::int64_t tokens) { (void)tokens; }  ///< forget the last accepted ones
  virtual std::unique_ptr<LogitFilter> clone() const = 0;
};

/// A filter without state: apply() and clone() of the struct itself.
template <class Self>
class StatelessFilter : public LogitFilter {
 public:
  std::unique_ptr<LogitFilter> clone() const final { return std::make_unique<Self>(static_cast<const Self&>(*this)); }
};

/// The filters of a plan in their order.
class FilterChain {
 public:
  FilterChain() = default;
  explicit FilterChain(std::vector<std::unique_ptr<LogitFilter>> filters) : filters_(std::move(filters)) {}

  bool empty() const { return filters_.empty(); }
  void apply(Candidates& candidates);
  void accept(int token);
  void accept(std::span<const int> tokens);
  void rollback(std::int64_t tokens);
  FilterChain clone() const;

 private:
  std::vector<std::unique_ptr<LogitFilter>> filters_;
};

/// A number in [0, 1) with 53 random bits; the same on every platform (std::uniform_real_distribution is not).
double uniform(std::mt19937_64& random);

/// Index drawn with probability weights[i] / sum of weights (not negative, not all zero).
std::size_t draw(std::span<const double> weights, std::mt19937_64& random);

}  // namespace ts
