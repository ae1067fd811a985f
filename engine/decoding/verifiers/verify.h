// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <random>
#include <span>
#include <vector>

#include "engine/core/result.h"
#include "engine/decoding/choice.h"
#include "engine/decoding/decoder.h"

namespace ts {

/// What verification decided about a tree whose node 0 is the token chosen before, the drafted tokens below it.
struct Verdict {
  std::vector<int> path;  ///< node 0 and the accepted nodes below it, each the child of the one before
  int next = -1;          ///< the token after the path, chosen by the target itself
};

/// The target's choice after a node whose path has been accepted.
using ChooseAfter = std::function<Result<int>(int node)>;
/// Sets the target's filtered distribution after a node whose path has been accepted: candidates and probabilities.
using DistributionAfter =
    std::function<Result<void>(int node, const Candidates*& candidates, std::vector<double>*& probabilities)>;
/// Called for each token that joins the sequence, in order (drafted ones, then `next`).
using Accept = std::function<void(int token)>;

/// Exact match: a drafted token is accepted while it is what the target chooses. The tokens that come out are those of
/// one-by-one decoding, whatever was drafted.
Result<void> verifyExact(const DraftTree& tree, const ChooseAfter& choose, const Accept& accept, Verdict& verdict);

/// Lossless rejection sampling (Leviathan et al., arXiv 2211.17192; Chen et al., arXiv 2302.01318): a token x drawn
/// from q is accepted with probability min(1, p(x) / q(x)); after a rejection p becomes norm(max(p - q, 0)), and the
/// node's next child is tried against that (recursive rejection, as in SpecInfer, arXiv 2305.09781), or a token is
/// drawn from it. `distributions[i]` is the q of node i; empty: a sure guess, q = 1 at the node's token. The tokens
/// that come out have the target's distribution, whatever was drafted.
class RejectionVerifier {
 public:
  Result<void> verify(const DraftTree& tree, std::span<const std::vector<TokenProbability>> distributions,
                      const DistributionAfter& target, const Accept& accept, std::mt19937_64& random, Verdict& verdict);

 private:
  bool acceptsChild(int token, std::span<const TokenProbability> q, const Candidates& candidates,
                    std::vector<double>& p, std::mt19937_64& random);
  std::vector<double> dense_;  ///< q by token id while a residual is made, zeros otherwise
};

}  // namespace ts
