// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/plan_flags.h"

namespace ts::cli {
namespace {

/// What a registry can tell of a strategy as the user wrote it.
Accept strategyOf(Family family) {
  return {.check = [family](const std::string& text) -> std::string {
            const auto spec = parseStrategy(text, "--" + std::string(name(family)));
            if (!spec) return spec.error().message;
            const auto settings = registry().resolve(family, *spec);
            return settings ? "" : settings.error().message;
          },
          .group = "Strategies"};
}

Result<std::vector<StrategySpec>> specs(const std::vector<std::string>& texts, const char* flag) {
  std::vector<StrategySpec> out;
  for (const std::string& text : texts) {
    TS_TRY(StrategySpec spec, parseStrategy(text, flag));
    out.push_back(std::move(spec));
  }
  return out;
}

Result<std::optional<StrategySpec>> optionalSpec(const std::string& text, const char* flag) {
  if (text.empty()) return std::nullopt;
  TS_TRY(StrategySpec spec, parseStrategy(text, flag));
  return spec;
}

}  // namespace

void addWeightFlags(Verb& verb, PlanFlags& flags) {
  verb.texts("--weights", flags.weights, "A weight transform, e.g. 'q4:group=64'; repeat it to apply several in order", strategyOf(Family::Weights));
  verb.number("--threads", flags.threads, "Threads; 0: one per physical core", {0, 1024}, "Strategies");
}

void addPlanFlags(Verb& verb, PlanFlags& flags) {
  addWeightFlags(verb, flags);
  verb.texts("--kv", flags.kv, "A key/value cache strategy, e.g. 'h2o:budget=0.2'; may be repeated", strategyOf(Family::KeyValue));
  verb.text("--decode", flags.decode, "A decoding strategy, e.g. 'speculative:drafter=ngram,length=4'", strategyOf(Family::Decoding));
  verb.texts("--sample", flags.sample, "A sampling filter, e.g. 'top-p:p=0.9'; repeat it for a chain, in order", strategyOf(Family::Sampling));
  verb.text("--search", flags.search, "A search over whole continuations, e.g. 'best-of:n=8'", strategyOf(Family::Search));
  verb.text("--activations", flags.activations, "Activations that meet quantized weights: f32 (exact) or q8", {.choices = {"f32", "q8"}, .group = "Strategies"});
}

Result<Plan> planOf(const PlanFlags& flags) {
  Plan plan;
  TS_TRY(plan.weights, specs(flags.weights, "--weights"));
  TS_TRY(plan.kv, specs(flags.kv, "--kv"));
  TS_TRY(plan.sample, specs(flags.sample, "--sample"));
  TS_TRY(plan.decode, optionalSpec(flags.decode, "--decode"));
  TS_TRY(plan.search, optionalSpec(flags.search, "--search"));
  plan.activations = flags.activations == "q8" ? Activations::Q8 : Activations::F32;
  plan.threads = flags.threads;
  return plan;
}

}  // namespace ts::cli
