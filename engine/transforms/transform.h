// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/core/thread_pool.h"
#include "engine/model/model.h"
#include "engine/registry/value.h"

namespace ts {

/// What a transform may use besides the weights.
struct TransformContext {
  ThreadPool& pool;
  /// Token ids to calibrate on, sequences of equal length (default: defaultCalibration(), 32 x 256 of the bundled text, or as
  /// long as the model's context if that is shorter). Errors: an id outside the vocabulary, a sequence beyond the context.
  std::vector<std::vector<int>> calibration;
  std::stop_token stop;
  std::function<void(double fraction, std::string_view what)> progress = [](double, std::string_view) {};
};

/// What a transform did, for the run's `engaged` (numbers such as "awq.error_ratio", "flap.heads_removed").
using TransformReport = std::map<std::string, double>;

/// A change of the weights made once, before a run (engine/transforms/: one file each). Works on its own copy of the
/// model; leaves configuration fields that no longer hold for a block to the block (Block::queryToKv, intermediate).
class WeightTransform {
 public:
  virtual ~WeightTransform() = default;
  virtual bool needsCalibration() const { return false; }
  virtual Result<TransformReport> apply(Model& model, TransformContext& context) const = 0;
};

/// Block-by-block calibration: the hidden states of all calibration tokens before block i, and the input rows of each of
/// its linear maps, with every block before it already transformed.
///
///   Calibration calibration(model, context);
///   for each layer: calibration.observe(layer, [&](Role role, ConstRows inputs) {...});   // called per sequence
///                   ... change model.blocks[layer] ...
///                   calibration.advance(layer);                                           // through the changed block
class Calibration {
 public:
  Calibration(const Model& model, TransformContext& context);
  ~Calibration();
  using Observer = std::function<void(Role role, ConstRows inputs)>;
  Result<void> observe(int layer, const Observer& observer);
  Result<void> advance(int layer);
  /// Both in one pass, for who only looks: at half the price.
  Result<void> observeAndAdvance(int layer, const Observer& observer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The prepared model of a recipe: every transform of `weights` in order on a copy of `dense`, reports merged.
struct Prepared {
  std::shared_ptr<const Model> model;
  TransformReport report;
};
Result<Prepared> prepare(std::shared_ptr<const Model> dense, const std::vector<StrategySpec>& weights, TransformContext& context);

}  // namespace ts
