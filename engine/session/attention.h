// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv/row_store.h"
#include "engine/kv/strategy.h"
#include "engine/model/forward.h"

namespace ts {

class AttentionTile;
struct AttentionProblem;

/// The rows of every layer and head, the strategies that act on them, and the draft that is in flight.
struct KvState {
  std::shared_ptr<const KvCodec> codec;  ///< null: float32 rows
  std::vector<std::shared_ptr<const KvPolicy>> policies;
  std::vector<std::vector<HeadRows>> layers;  ///< [layer][key/value head]

  bool wantsMass = false;
  std::int64_t sinks = 0, window = 0, distanceCap = 0;  ///< of the visibility policy, 0: none

  // The pass in flight.
  std::int64_t drafted = 0;               ///< rows of the draft that earlier passes have run; this pass continues them
  std::span<const std::int32_t> parents;  ///< of each row of the draft, -1: the last committed row; empty: a chain
  bool certain = false;                   ///< rows will be committed (prefill): they may be encoded at once
  /// Attention probabilities by [layer][head][row of the draft][index], summed over the head's queries; if wantsMass.
  std::vector<std::vector<std::vector<std::vector<float>>>> mass;
};

/// Attention of a session: appends the pass's rows to the store, then lets each see its own past (attention_tile.h).
class KvAttention : public Attention {
 public:
  KvAttention(const Model& model, KvState& state, Execution& execution, RopeCache& ropes);
  ~KvAttention() override;
  /// Of the rows of the next pass; must hold until it has run.
  void setPositions(std::span<const std::int32_t> positions) { positions_ = positions; }
  std::span<const Stretch> expect(int layer) override;
  void attend(int layer, ConstRows q, ConstRows k, ConstRows v, Rows out) override;

 private:
  void append(int layer, ConstRows k, ConstRows v);
  /// Cuts the layer's work for these rows of the pass into tiles; look() says what each one's rows see.
  void place(int layer, Range rows);
  void look(int layer, std::size_t index, AttentionTile& tile) const;
  void withMass(const AttentionProblem& problem, int layer);
  /// Few tiles over many rows: their chunks are shared among the workers.
  void byChunks(const AttentionProblem& problem, std::span<const AttentionTile> tiles);

  const Model& model_;
  KvState& state_;
  Execution& execution_;
  RopeCache& ropes_;
  std::span<const std::int32_t> positions_;
  struct Work;  ///< kept so that a decode step allocates nothing
  std::unique_ptr<Work> work_;
};

/// Plain causal attention: every pass is a whole sequence of its own, nothing is kept. For calibration, which walks one
/// layer at a time over all sequences.
class CausalAttention : public Attention {
 public:
  CausalAttention(const Model& model, Execution& execution, RopeCache& ropes) : model_(model), attention_(model, state_, execution, ropes) {
    state_.layers.resize(model.blocks.size());
  }
  /// Of the sequence's rows; must hold until the pass has run.
  void setPositions(std::span<const std::int32_t> positions) { attention_.setPositions(positions); }
  void attend(int layer, ConstRows q, ConstRows k, ConstRows v, Rows out) override {
    auto& heads = state_.layers[static_cast<std::size_t>(layer)];
    heads.assign(static_cast<std::size_t>(model_.blocks[static_cast<std::size_t>(layer)].kvHeads), HeadRows(nullptr, model_.config.headDim, false));
    attention_.attend(layer, q, k, v, out);
    heads.clear();
  }

 private:
  const Model& model_;
  KvState state_;
  KvAttention attention_;
};

}  // namespace ts
