// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/model/lanes.h"
#include "engine/model/model.h"
#include "engine/weights/execution.h"

namespace ts {

/// Cosines and sines of every rotary embedding of a model, grown position by position as they are needed.
/// Row p of rope r holds dims/2 cosines, then dims/2 sines, both already times the scaling's attention factor.
class RopeCache {
 public:
  RopeCache(const ModelConfig& config, std::int64_t contextLength);
  void reserve(std::int64_t positions);
  const float* row(int rope, std::int64_t position) const {
    const Table& t = tables_[static_cast<std::size_t>(rope)];
    return t.values.data() + static_cast<std::size_t>(position) * t.width;
  }
  const RopeTable& frequencies(int rope) const { return tables_[static_cast<std::size_t>(rope)].frequencies; }
  std::size_t bytes() const;

 private:
  struct Table {
    RopeTable frequencies;
    std::size_t width = 0;
    std::vector<float> values;
  };
  std::vector<Table> tables_;
  std::int64_t filled_ = 0;
};

/// How rows see each other: the one thing a block does not do itself. q, k and v are normed and rotated;
/// k and v are [rows, kvHeads * headDim]; q is of the last of these rows, [asked, heads * headDim], of all or fewer or none;
/// fills out, of the same shape as q.
class Attention {
 public:
  virtual ~Attention() = default;
  /// Says that attend() of one row comes to `layer` after the next operation. Returns what it will read first.
  virtual std::span<const Stretch> expect(int /*layer*/) { return {}; }
  virtual void attend(int layer, ConstRows q, ConstRows k, ConstRows v, Rows out) = 0;
};

/// Called with the input rows of each linear map (calibration).
using LinearObserver = std::function<void(Role role, ConstRows inputs)>;

/// What a pass over some rows works with.
struct Pass {
  const Model& model;
  std::span<const std::int32_t> positions;  ///< of each row
  RopeCache& ropes;
  Attention& attention;
  Workspace& workspace;
  Execution& execution;
  bool wide = false;  ///< allow the many-rows kernels
  const LinearObserver* observer = nullptr;
  Lanes* lanes = nullptr;  ///< one for each worker, if activations are bytes: more than kNarrowRows rows then go through a block in them where that is faster
};

/// hidden[i] = embedding of tokens[i], scaled, with learned positions where the architecture has them.
void embed(const Pass& pass, std::span<const int> tokens, Rows hidden);
/// One transformer block, in place. Of rows before `firstWanted` only keys and values are made, their hidden values stay what
/// they were: enough where no block follows that would read them.
void runBlock(const Pass& pass, int layer, Rows hidden, std::int64_t firstWanted = 0);
/// Final norm and head: logits [rows, vocabulary].
void runHead(const Pass& pass, ConstRows hidden, Rows logits);

}  // namespace ts
