// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/evaluation/evaluate.h"
#include "engine/session/plan.h"

namespace ts {

/// A sweep file, JSON (comments allowed):
///
///   { "name": "demo", "model": "embedded:ts-16m", "seed": 1,
///     "task": {"name": "wikitext2", "limit": 8, "context": 512, "against_dense": true},
///     "bench": {"prompt": 128, "generate": 64, "repetitions": 3},
///     "search": {"method": "grid"},                      // or random, sobol, nsga2 with "budget": n
///     "groups": [                                        // the plans are the union of the groups; each is a product
///       {"weights": ["", "q8", "q4:group=32|64|128", "flap:sparsity=0.1..0.5/5, q4:group=32"],   // alternatives; "" = off
///        "kv": ["", "q8", "h2o:budget=0.2|0.5"],
///        "decode": ["", "speculative:drafter=ngram,length=2|4|8"],
///        "sample": [""], "activations": ["f32"]}],
///     "constraints": ["bytes_total < 40e6"] }
///
/// `a|b|c` in a value lists alternatives, `lo..hi/n` takes n values evenly spaced on the parameter's scale.
struct SweepGroup {
  std::vector<std::vector<StrategySpec>> weights, kv, sample;  ///< each alternative is a whole chain, expanded
  std::vector<std::vector<StrategySpec>> decode;               ///< zero or one spec each
  std::vector<Activations> activations;
};

struct Sweep {
  std::string name;
  std::string model;  ///< path, or "embedded:NAME"
  std::string method = "grid";
  std::int64_t budget = 0;  ///< plans, for methods other than grid
  std::uint64_t seed = 1;
  int threads = 0;
  EvaluationOptions task;
  BenchOptions bench;
  std::vector<SweepGroup> groups;
  std::vector<std::string> objectives;  ///< for nsga2: "perplexity", "-decode_tokens_per_s"
  std::string text;                     ///< the file as it was read
};

Result<Sweep> parseSweep(std::string_view json, std::string_view where);
Result<Sweep> readSweep(const std::filesystem::path& path);
std::string toJson(const Sweep& sweep);  ///< what the Experiment page saves; parses back to the same sweep

/// One plan of the expansion, or the reason it is refused.
struct PlannedRun {
  Plan plan;
  std::string refusal;  ///< empty: it can run
};
/// All plans without repetitions, the dense baseline first.
Result<std::vector<PlannedRun>> expand(const Sweep& sweep, const std::set<std::string>& modelOffers);

}  // namespace ts
