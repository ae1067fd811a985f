// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/decoding/filter.h"
#include "engine/session/plan.h"
#include "engine/session/session.h"

namespace ts {

/// A proposal of the next tokens, and for each the distribution it was drawn from (empty: a sure guess, q = 1).
struct Draft {
  DraftTree tree;
  std::vector<std::vector<Candidate>> distributions;  ///< per node, q(token | path): logit holds ln q
};

/// Proposes tokens cheaply (engine/decoding/drafters/: one file each).
class Drafter {
 public:
  virtual ~Drafter() = default;
  /// A new sequence whose committed tokens are `tokens`.
  virtual Result<void> begin(std::span<const int> tokens) = 0;
  /// At most `limit` tokens after the committed ones and `next` (chosen, not yet run).
  virtual Result<Draft> propose(std::span<const int> committed, int next, std::int64_t limit, std::mt19937_64& random) = 0;
  /// The committed tokens are now `tokens` (a continuation of the earlier ones).
  virtual Result<void> accepted(std::span<const int> tokens) = 0;
  virtual std::uint64_t bytes() const { return 0; }
};

/// What a decoder works with: the session, the chain, randomness. Made by Generator.
struct DecodeContext {
  Session& session;
  std::vector<std::unique_ptr<LogitFilter>>& chain;  ///< empty: arg-max
  std::mt19937_64& random;
  std::map<std::string, double>& engaged;  ///< "draft.proposed", "draft.accepted", "verify.steps" ...
};

/// One way of choosing the next tokens (greedy, sample, speculative ...).
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Called once after the prompt's prefill with the logits after its last token.
  virtual Result<void> begin(DecodeContext& context, std::span<const float> logits) = 0;
  /// The next one or more tokens of the sequence, in order. The first call needs no model pass.
  virtual Result<std::vector<int>> next(DecodeContext& context) = 0;
  virtual std::uint64_t bytes() const { return 0; }  ///< drafts and tables
};

struct GenerateOptions {
  std::int64_t tokens = 128;
  std::uint64_t seed = 0;
  bool stopAtEnd = true;  ///< at one of the model's stop ids
};
struct Generation {
  std::vector<int> promptIds, ids;
  std::string text;
  std::string stopReason;                ///< "length", "stop-token", "context", "cancelled"
  double ttftMs = 0;                     ///< prompt in to first token out
  double decodeTokensPerSecond = 0;      ///< tokens after the first / time after the first
  std::vector<double> gapsMs;            ///< between tokens as they come out (ITL); a burst has one gap and zeros
  std::map<std::string, double> engaged;  ///< decoder's and key/value strategies' own counts
  MemoryUse memory;
};
/// Called with each token as it is chosen and its text (whole characters only).
using TokenSink = std::function<void(int id, std::string_view text)>;

/// Runs the plan's decode strategy on a fresh session of `model`. Cancelled work returns what there is with
/// stopReason "cancelled".
Result<Generation> generate(std::shared_ptr<const Model> model, const Plan& plan, std::span<const int> prompt,
                            const GenerateOptions& options, ThreadPool& pool, const TokenSink& sink = {},
                            std::stop_token stop = {});

}  // namespace ts
