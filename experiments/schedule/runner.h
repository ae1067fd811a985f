// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>

#include "engine/core/result.h"
#include "engine/evaluation/evaluate.h"
#include "engine/registry/value.h"
#include "experiments/store/records.h"

namespace ts {

struct Model;

/// A model ready to be measured and what its transforms reported.
struct PreparedModel {
  std::shared_ptr<const Model> model;
  std::map<std::string, double> report;
  std::uint64_t bytes = 0;  ///< of its own, roughly; decides what is kept when memory gets short
};

/// What a scheduler needs done. The engine stands behind makeEngineRunner(); tests put their own behind it. Except for
/// open(), called from several threads at once.
class Runner {
 public:
  virtual ~Runner() = default;

  struct Opened {
    ModelRecord record;
    std::set<std::string> offers;  ///< capabilities, for the check of plans
    PreparedModel dense;
    std::string arithmetic;                         ///< part of every key (Identity)
    std::map<std::string, std::string> provenance;  ///< of the program: build, libraries, instruction set
  };
  /// Once, before anything else. `model`: a path or embedded:NAME.
  virtual Result<Opened> open(const std::string& model, std::stop_token stop) = 0;

  /// Of another model that a plan names: a path or embedded:NAME.
  virtual Result<std::string> fingerprint(const std::string& model) = 0;

  /// `weights` applied to `base`, which already went through the strategies before them.
  virtual Result<PreparedModel> prepare(const PreparedModel& base, std::span<const StrategySpec> weights, int threads,
                                        std::stop_token stop) = 0;
  virtual Result<EvaluationResult> evaluate(const PreparedModel& prepared, const PreparedModel& dense, const Plan& plan,
                                            const EvaluationOptions& options, int threads,
                                            const EvaluationHooks& hooks) = 0;
  virtual Result<BenchResult> bench(const PreparedModel& prepared, const Plan& plan, const BenchOptions& options,
                                    int threads, const EvaluationHooks& hooks) = 0;

  /// Memory of the plan in a process of its own, by metric: "peak_bytes", "load_peak_bytes", "forecast_bytes" ...
  virtual Result<std::map<std::string, double>> memory(const std::string& model, const Plan& plan, const BenchOptions& options,
                                                       std::stop_token stop) = 0;
};

std::unique_ptr<Runner> makeEngineRunner();

}  // namespace ts
