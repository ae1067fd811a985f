// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/ledger.h"
#include "engine/core/result.h"
#include "engine/core/thread_pool.h"
#include "engine/model/model.h"
#include "engine/registry/value.h"
#include "engine/weights/execution.h"

namespace ts {

/// Tokens to run through the model beyond the committed ones, as a tree: token i follows token parents[i], or the last
/// committed token when that is -1. Parents come before children. A chain is {-1, 0, 1, ...}.
struct DraftTree {
  std::vector<int> tokens;
  std::vector<int> parents;
  static DraftTree chain(std::span<const int> tokens);
};

struct SessionOptions {
  std::vector<StrategySpec> kv;
  Activations activations = Activations::F32;
  std::int64_t capacity = 0;  ///< positions the caller expects to reach; chooses LongRoPE's factors. 0: the model's context
};

/// One sequence in progress: committed tokens with their key/value rows, and at most one uncommitted draft.
///
///   prefill(tokens)      appends committed tokens;
///   decode(tree)         runs uncommitted tokens, logits for each;
///   commit(path)         keeps the nodes of one path of that tree, drops the rest.
///
/// Not thread-safe; the model may be shared. Sessions on one ThreadPool must not run at the same time.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(std::shared_ptr<const Model> model, ThreadPool& pool, SessionOptions options);
  ~Session();

  /// Appends tokens. `sink(i, logits)` is called with the logits after tokens[i] for i >= firstWanted, in order; the
  /// span lives during the call. Rows before firstWanted take less work; logits are the same to the bit, but where many rows
  /// go another way than few (TRADESPACE_WIDE, weights/wide.h). Stops between chunks when asked (Cancelled; the chunks done stay committed).
  using LogitSink = std::function<void(std::int64_t index, std::span<const float> logits)>;
  Result<void> prefill(std::span<const int> tokens, std::int64_t firstWanted, const LogitSink& sink, std::stop_token stop = {});

  /// Runs an uncommitted draft (replacing one not committed). logits(i) are those after node i.
  /// At most draftLimit() nodes. A tree that only adds nodes to the one not committed runs just those.
  Result<void> decode(const DraftTree& tree);
  std::span<const float> logits(int node) const;
  /// Commits nodes path[0], path[1], ... (each the child of the one before, the first a child of the root).
  void commit(std::span<const int> path);

  /// Nodes a draft may have now without crossing an eviction boundary or the context's end; at least 1 while
  /// position() < the context's end, 0 there.
  std::int64_t draftLimit() const;

  std::int64_t position() const;  ///< committed tokens so far = position of the next token
  const std::vector<int>& tokens() const;
  const Model& model() const;

  /// The same sequence, to be continued differently; key/value rows are copied.
  std::unique_ptr<Session> fork() const;
  void reset();  ///< to the empty sequence; keeps memory and ledger

  Ledger& ledger();
  MemoryUse memory() const;
  /// What the key/value strategies did: "kv.rows", "kv.rows_evicted", "kv.bytes", "kv.bytes_dense" ...
  std::map<std::string, double> engaged() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ts
