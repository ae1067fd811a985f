// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "engine/registry/registry.h"
#include "engine/weights/execution.h"

namespace ts {

/// What is switched on. The same words everywhere: command line, sweep file, store, desktop.
struct Plan {
  std::vector<StrategySpec> weights;   ///< applied in order; empty: as stored in the file
  std::vector<StrategySpec> kv;        ///< at most one codec; policies
  std::optional<StrategySpec> decode;  ///< empty: greedy without sampling filters, `sample` with them
  std::vector<StrategySpec> sample;    ///< the filter chain, in order
  std::optional<StrategySpec> search;
  Activations activations = Activations::F32;
  int threads = 0;  ///< 0: one per physical core

  bool operator==(const Plan&) const = default;
};

/// The decode strategy in force, with the default filled in.
StrategySpec effectiveDecode(const Plan& plan);

/// `--weights 'awq:bits=4' --kv ...`, quoted for a shell; empty for the default plan.
std::string commandLine(const Plan& plan);

/// The same as words for a program's arguments, nothing quoted.
std::vector<std::string> commandWords(const Plan& plan);

/// A canonical text of everything that can change a result: all parameters with defaults filled in. Equal text, equal run.
Result<std::string> canonical(const Plan& plan);

/// The models that strategies of the plan name, beside the one it runs on: "draft" and "embedded:ts-2m-draft".
struct NamedModel {
  std::string parameter, source;
};
std::vector<NamedModel> modelsNamed(const Plan& plan);

/// Checks ids, parameters, capabilities ("needs" against what the model and the other strategies offer) and exclusive
/// slots ("claims"). An error names both sides and the capability that is missing.
Result<void> check(const Plan& plan, const std::set<std::string>& modelOffers);

/// What a model offers to strategies: "rope", "gated-mlp", "causal", "tokenizer", "grouped-heads" ...
std::set<std::string> modelOffers(const ModelConfig& config, bool hasTokenizer);

}  // namespace ts
