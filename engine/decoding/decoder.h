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

/// What a decoder or drafter may need from outside, once, before it starts.
struct DecodeSetup {
  std::shared_ptr<const Model> model;  ///< the target
  ThreadPool& pool;
  Activations activations = Activations::F32;
  /// The model of a path or of `embedded:NAME` (loadModel unless the caller shares loaded models between runs).
  std::function<Result<std::shared_ptr<const Model>>(const std::string& source)> load;
};

/// Opens and packs the model at `source`: a path, or `embedded:NAME` for one of the program's own models.
Result<std::shared_ptr<const Model>> loadModel(const std::string& source, ThreadPool& pool);

struct TokenProbability {
  int id;
  double probability;
};

/// A proposal of the next tokens, and for each the distribution it was drawn from (empty: a sure guess, q = 1).
struct Draft {
  DraftTree tree;
  std::vector<std::vector<TokenProbability>> distributions;  ///< per node: q(token | path), sums to 1

  std::size_t size() const { return tree.tokens.size(); }
  void clear();
  void add(int token, int parent);
};

/// What a drafter is asked for: at most `limit` nodes after the committed tokens and `next` (chosen, not yet run).
struct DraftRequest {
  std::span<const int> committed;
  int next = 0;
  std::int64_t limit = 0;
  bool sampling = false;  ///< tokens are drawn (then distributions are wanted); else arg-max
  FilterChain& chain;     ///< has accepted the tokens up to `next`; left as found
  std::mt19937_64& random;
};

/// Proposes tokens cheaply (engine/decoding/drafters/: one file each).
class Drafter {
 public:
  virtual ~Drafter() = default;
  /// Once, before the first begin(). Refused with the reason when this drafter does not fit the target.
  virtual Result<void> prepare(const DecodeSetup& setup) { return (void)setup, Result<void>(); }
  /// A new sequence whose committed tokens are `tokens`.
  virtual Result<void> begin(std::span<const int> tokens) = 0;
  /// Fills `draft` (cleared before). No node at all is a valid answer.
  virtual Result<void> propose(const DraftRequest& request, Draft& draft) = 0;
  /// The committed tokens are now `tokens` (a continuation of the earlier ones).
  virtual Result<void> accepted(std::span<const int> tokens) = 0;
  virtual std::uint64_t bytes() const { return 0; }
};

/// What a decoder works with: the session, the chain, randomness. Made by generate().
struct DecodeContext {
  Session& session;
  FilterChain& chain;  ///< has accepted every committed and chosen token; the decoder tells it of each token it chooses
  bool sampling = false;  ///< some filter of the chain needs a draw; speculation then draws too, else takes the arg-max
  std::mt19937_64& random;
  std::map<std::string, double>& engaged;  ///< "draft.proposed", "draft.accepted", "verify.steps" ...
  /// When set: takes ln p of each chosen token under the model's own distribution, before any filter (searches ask).
  std::vector<double>* scores = nullptr;
};

/// One way of choosing the next tokens (greedy, sample, speculative ...). One that draws registers `offers =
/// {"sampling"}`.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Once, before the sequence starts; loads drafts. Not part of any measured time.
  virtual Result<void> prepare(const DecodeSetup& setup) { return (void)setup, Result<void>(); }
  /// A new sequence, with the logits after its prompt's last token: chooses the first token. A decoder may be begun
  /// again, with another session.
  virtual Result<int> begin(DecodeContext& context, std::span<const float> logits) = 0;
  /// Runs what was chosen last and chooses the next one or more tokens, in order (`tokens` is overwritten).
  /// Needs session.draftLimit() >= 1.
  virtual Result<void> next(DecodeContext& context, std::vector<int>& tokens) = 0;
  virtual std::uint64_t bytes() const { return 0; }  ///< drafts and tables
};

/// The plan's filter chain, fresh.
Result<FilterChain> makeChain(const Plan& plan);
/// Some filter of the chain shapes a draw; penalties alone leave the arg-max in place.
bool needsSampling(const Plan& plan);

struct GenerateOptions {
  std::int64_t tokens = 128;
  std::uint64_t seed = 0;
  bool stopAtEnd = true;  ///< at one of the model's stop ids
  std::function<Result<std::shared_ptr<const Model>>(const std::string& source)>
      load;  ///< DecodeSetup::load; empty: loadModel
};
struct Generation {
  std::vector<int> promptIds, ids;        ///< ids includes the stop id that ended it
  std::string text;                       ///< of ids, special tokens left out
  std::string stopReason;                 ///< "length", "stop-token", "context", "cancelled"
  double ttftMs = 0;                      ///< prompt in to first token out
  double decodeTokensPerSecond = 0;       ///< tokens after the first / time after the first
  std::vector<double> gapsMs;             ///< between tokens as they come out (ITL); a burst has one gap and zeros
  std::map<std::string, double> engaged;  ///< decoder's and key/value strategies' own counts
  MemoryUse memory;
};
/// Called with each token as it is chosen and its text (whole characters only). A last call with id -1 brings what was
/// left of a character that never became whole, if anything.
using TokenSink = std::function<void(int id, std::string_view text)>;

/// Runs the plan's decode strategy on a fresh session of `model`. Cancelled work returns what there is with
/// stopReason "cancelled". Refuses plans that cannot hold (check()) and prompts that are empty or beyond the context.
Result<Generation> generate(std::shared_ptr<const Model> model, const Plan& plan, std::span<const int> prompt,
                            const GenerateOptions& options, ThreadPool& pool, const TokenSink& sink = {},
                            std::stop_token stop = {});

}  // namespace ts
