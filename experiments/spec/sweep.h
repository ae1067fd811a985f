// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"
#include "engine/evaluation/evaluate.h"
#include "engine/session/plan.h"

namespace ts {

/// A sweep file, JSON (comments allowed):
///
///   { "name": "demo", "model": "embedded:ts-16m", "seed": 1, "threads": 0,
///     "task": {"name": "wikitext2", "limit": 8, "context": 512, "against_dense": true},   // null: no quality
///              // "until_stderr": x stops a plan's scoring once its first metric is known that well
///     "bench": {"prompt": 128, "generate": 64, "depth": 0, "repetitions": 3},             // null: no latency
///            // "memory": true runs each plan once more in a process of its own, which tells its peak of memory;
///            // "depth": [0, 1024] measures speeds at each; "interval": 0.02, "max_repetitions": 40 repeat until the decode
///            // speed's 95 % interval is ± 2 %
///     "search": {"method": "grid"},                      // or random, sobol, nsga2 with "budget": n
///     "objectives": ["perplexity", "-decode_tokens_per_s"],  // nsga2: to be made small; "-" in front: large
///     "constraints": ["bytes_total < 40e6"],             // nsga2 keeps within them
///     "groups": [                                        // the plans are the union of the groups; each is a product
///       {"weights": ["", "q8", "q4:group=32|64|128", "flap:sparsity=0.1..0.5/5, q4:group=32"],   // alternatives; "" =
///       off
///        "kv": ["", "q8", "h2o:budget=0.2|0.5"],
///        "decode": ["", "speculative:drafter=ngram,length=2|4|8"],
///        "sample": [""], "search": [""], "activations": ["f32"]}] }
///
/// An entry of a list is a chain of strategies (chain.h): `ID:NAME=VALUE,NAME=VALUE + ID:...`. `a|b|c` as a VALUE lists
/// alternatives, `lo..hi/n` takes n values evenly spaced on the parameter's scale.
struct SweepGroup {
  std::vector<std::vector<StrategySpec>> weights, kv, sample;  ///< each alternative is a whole chain, expanded
  std::vector<std::vector<StrategySpec>> decode, search;       ///< zero or one spec each
  std::vector<Activations> activations;
};

/// "bytes_total < 40e6"
struct Constraint {
  std::string metric;
  bool below = true;  ///< the metric must be at most the bound; else at least
  double bound = 0;
  bool operator==(const Constraint&) const = default;
};
Result<Constraint> parseConstraint(std::string_view text, std::string_view where);
std::string toText(const Constraint& constraint);

struct Sweep {
  std::string name;
  std::string model;  ///< path, or "embedded:NAME"
  std::string method = "grid";
  std::int64_t budget = 0;  ///< plans, for methods other than grid
  std::uint64_t seed = 1;
  int threads = 0;
  bool memory = false;  ///< "bench": {"memory": true}: each plan once more in a process of its own, for its peak of memory
  bool quality = true, latency = true;  ///< "task": null, "bench": null switch them off
  EvaluationOptions task;
  BenchOptions bench;
  std::vector<SweepGroup> groups;
  std::vector<std::string> objectives;  ///< for nsga2: "perplexity", "-decode_tokens_per_s"
  std::vector<Constraint> constraints;
  std::string text;  ///< the file as it was read
};

/// Parses and checks against the registry. Errors name the file, the place in it (`sweep.json: groups[0].weights[2]`,
/// or line and column where it is not JSON) and what was expected there. `where`: the file's name for messages.
Result<Sweep> parseSweep(std::string_view json, std::string_view where);
/// Relative paths of the model and of the task's data are looked for beside the file first.
Result<Sweep> readSweep(const std::filesystem::path& path);
/// What the Experiment page saves; parses back to the same sweep.
std::string toJson(const Sweep& sweep);

/// One plan of the expansion, or the reason it is refused.
struct PlannedRun {
  Plan plan;
  std::string refusal;  ///< empty: it can run
};
inline constexpr std::int64_t kMaximumPlans = 100'000;

/// The number of choices in each dimension of a group (weights, kv, decode, sample, search, activations), 1 for an
/// empty list.
std::vector<std::int64_t> dimensions(const SweepGroup& group);
/// The plan at one index a dimension.
Plan planAt(const Sweep& sweep, const SweepGroup& group, const std::vector<std::int64_t>& indices);
/// Whether the plan can run on a model that offers these, with the reason if not.
PlannedRun planned(Plan plan, const std::set<std::string>& modelOffers);

/// All plans of the product without repetitions, the dense baseline first. Errors: more than kMaximumPlans.
Result<std::vector<PlannedRun>> expand(const Sweep& sweep, const std::set<std::string>& modelOffers);

}  // namespace ts
