// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cassert>

#include "engine/decoding/verifiers/verify.h"

namespace ts {
namespace {

double sumOf(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

}  // namespace

/// One draw of the acceptance rule. On rejection `p` is replaced by the residual (not normalized).
bool RejectionVerifier::acceptsChild(int token, std::span<const TokenProbability> q, const Candidates& candidates,
                                     std::vector<double>& p, std::mt19937_64& random) {
  const double total = sumOf(p);
  const auto found =
      std::find_if(candidates.items.begin(), candidates.items.end(), [&](auto& c) { return c.id == token; });
  const auto at = static_cast<std::size_t>(found - candidates.items.begin());
  const double target = found == candidates.items.end() ? 0.0 : p[at] / total;

  if (q.empty()) {
    if (uniform(random) < target) return true;
    if (target > 0) p[at] = 0;
    return sumOf(p) <= 0;  // nothing else is left
  }
  const auto drafted = std::find_if(q.begin(), q.end(), [&](auto& t) { return t.id == token; });
  assert(drafted != q.end() && drafted->probability > 0 && "a drafted token was drawn from its own distribution");
  if (uniform(random) * drafted->probability < target) return true;

  int highest = 0;
  for (const auto& t : q) highest = std::max(highest, t.id);
  for (const auto& c : candidates.items) highest = std::max(highest, c.id);
  if (dense_.size() <= static_cast<std::size_t>(highest)) dense_.resize(static_cast<std::size_t>(highest) + 1, 0.0);
  for (const auto& t : q) dense_[static_cast<std::size_t>(t.id)] = t.probability;
  double residual = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double left = std::max(p[i] / total - dense_[static_cast<std::size_t>(candidates.items[i].id)], 0.0);
    residual += left;
  }
  // Equal distributions: the rule rejects with probability 0, rounding may not.
  const bool equal = residual <= 0;
  if (!equal)
    for (std::size_t i = 0; i < p.size(); ++i)
      p[i] = std::max(p[i] / total - dense_[static_cast<std::size_t>(candidates.items[i].id)], 0.0);
  for (const auto& t : q) dense_[static_cast<std::size_t>(t.id)] = 0.0;
  return equal;
}

Result<void> RejectionVerifier::verify(const DraftTree& tree,
                                       std::span<const std::vector<TokenProbability>> distributions,
                                       const DistributionAfter& target, const Accept& accept, std::mt19937_64& random,
                                       Verdict& verdict) {
  verdict.path.assign(1, 0);
  for (int node = 0;;) {
    const Candidates* candidates = nullptr;
    std::vector<double>* p = nullptr;
    TS_CHECK(target(node, candidates, p));
    int child = -1;
    for (std::size_t i = 1; i < tree.tokens.size() && child < 0; ++i)
      if (tree.parents[i] == node && acceptsChild(tree.tokens[i], distributions[i], *candidates, *p, random))
        child = static_cast<int>(i);
    if (child < 0) {
      verdict.next = candidates->items[draw(*p, random)].id;
      accept(verdict.next);
      return {};
    }
    accept(tree.tokens[static_cast<std::size_t>(child)]);
    verdict.path.push_back(node = child);
  }
}

}  // namespace ts
