// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cassert>
#include <numeric>

#include "engine/model/forward.h"
#include "engine/session/attention.h"
#include "engine/transforms/targets.h"
#include "engine/transforms/transform.h"

namespace ts {

/// Memory: one row of hidden floats per calibration token, plus the activations of one sequence.
struct Calibration::State {
  State(const Model& model, TransformContext& context)
      : model(model), context(context), execution(context.pool), ropes(model.config, longest(context)), attention(model, execution, ropes) {
    positions.resize(static_cast<std::size_t>(longest(context)));
    std::iota(positions.begin(), positions.end(), 0);
    ropes.reserve(longest(context));
  }

  static std::int64_t longest(const TransformContext& context) {
    std::size_t length = 0;
    for (const auto& sequence : context.calibration) length = std::max(length, sequence.size());
    return static_cast<std::int64_t>(length);
  }

  Pass passOver(std::int64_t count, const LinearObserver* observer) {
    const std::span<const std::int32_t> where(positions.data(), static_cast<std::size_t>(count));
    attention.setPositions(where);
    return {.model = model, .positions = where, .ropes = ropes, .attention = attention, .workspace = workspace,
            .execution = execution, .wide = true, .observer = observer};
  }

  Rows rowsOf(std::size_t sequence) {
    auto& rows = hidden[sequence];
    const std::int64_t width = model.config.hidden;
    return {rows.data(), static_cast<std::int64_t>(rows.size()) / width, width, width};
  }

  Result<void> embedAll() {
    if (context.calibration.empty()) return fail(ErrorKind::Refused, "this transform needs calibration text, and none was given", "calibration");
    for (const auto& sequence : context.calibration) {
      if (static_cast<std::int64_t>(sequence.size()) > model.config.contextLength)
        return fail("a calibration sequence of " + std::to_string(sequence.size()) + " tokens is beyond the model's context of " +
                        std::to_string(model.config.contextLength), "calibration");
      for (const int id : sequence)
        if (id < 0 || id >= model.embedding->rows())
          return fail("calibration token " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(model.embedding->rows()), "calibration");
      hidden.emplace_back(sequence.size() * static_cast<std::size_t>(model.config.hidden));
      if (!sequence.empty()) embed(passOver(static_cast<std::int64_t>(sequence.size()), nullptr), sequence, rowsOf(hidden.size() - 1));
    }
    return {};
  }

  /// Every sequence through block `layer`; what comes out replaces what went in only when asked.
  Result<void> walk(int layer, const Observer* observer, bool keep) {
    assert(layer == next && "layers are walked in order");
    if (hidden.empty()) {
      TS_CHECK(embedAll());
    }
    const LinearObserver linear = observer ? LinearObserver(*observer) : LinearObserver();
    Buffer<float> scratch;
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      TS_CHECK(stopRequested(context, "calibration"));
      Rows rows = rowsOf(i);
      if (rows.count == 0) continue;
      if (!keep) {
        scratch = hidden[i];
        rows.data = scratch.data();
      }
      runBlock(passOver(rows.count, observer ? &linear : nullptr), layer, rows);
    }
    if (keep) ++next;
    return {};
  }

  const Model& model;
  TransformContext& context;
  Execution execution;
  RopeCache ropes;
  CausalAttention attention;
  Workspace workspace;
  std::vector<std::int32_t> positions;
  std::vector<Buffer<float>> hidden;  ///< of each sequence, before block `next`
  int next = 0;
};

Calibration::Calibration(const Model& model, TransformContext& context) : state_(std::make_unique<State>(model, context)) {}
Calibration::~Calibration() = default;

Result<void> Calibration::observe(int layer, const Observer& observer) { return state_->walk(layer, &observer, false); }

Result<void> Calibration::advance(int layer) {
  // Nobody reads what leaves the last block.
  if (layer + 1 == static_cast<int>(state_->model.blocks.size())) return {};
  return state_->walk(layer, nullptr, true);
}

Result<void> Calibration::observeAndAdvance(int layer, const Observer& observer) { return state_->walk(layer, &observer, true); }

}  // namespace ts
