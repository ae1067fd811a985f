// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/load.h"
#include "app/cli/measures.h"
#include "app/cli/text.h"
#include "engine/evaluation/evaluate.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model, data, against;
  PlanFlags plan;
  EvaluationOptions options;
};

Json metricsOf(const std::map<std::string, Metric>& metrics) {
  Json out = Json::object();
  for (const auto& [name, metric] : metrics) out[name] = jsonOf(metric);
  return out;
}

void print(const EvaluationResult& r, const Json& j) {
  Facts facts;
  facts.add("task", r.task);
  for (const auto& [name, metric] : r.metrics)
    facts.add(name, errorText(metric.value, metric.stderr_) + "  (n = " + countText(metric.n) + ")");
  if (r.kl) {
    const KlStatistics& kl = *r.kl;
    facts.add("KL divergence", errorText(kl.mean, kl.meanStderr) + " nats; median " + numberText(kl.median) + ", 99th percentile " +
                                   numberText(kl.p99) + ", largest " + numberText(kl.maximum));
    facts.add("same first choice", errorText(100 * kl.sameTop, 100 * kl.sameTopStderr) + " %");
    facts.add("ln PPL ratio", errorText(kl.logPerplexityRatio, kl.logPerplexityRatioStderr));
  }
  for (const auto& [name, metric] : r.paired)
    facts.add(name + ", plan - dense", errorText(metric.value, metric.stderr_) + "  (item by item)");
  addEngaged(facts, j["engaged"].get<std::map<std::string, double>>());
  facts.add("time", durationText(r.seconds));
  facts.print(std::cout);
}

Result<Json> run(Shell& shell, const Flags& flags) {
  Progress progress(shell.quiet);
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  TS_TRY(const Loaded loaded, load(shell, flags.model, flags.plan, progress));
  EvaluationOptions options = flags.options;
  options.data = flags.data;
  options.againstDense = flags.against == "dense";
  EvaluationHooks hooks{.stop = shell.stop.get_token()};
  hooks.progress = [&](std::int64_t done, std::int64_t total) {
    progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0,
                    options.task + ": " + std::to_string(done) + " of " + std::to_string(total));
    if (done < total) giveWay(hold, shell, progress);
  };
  TS_TRY(const EvaluationResult r, evaluate(loaded.prepared, loaded.dense, loaded.plan, options, *loaded.pool, hooks));

  std::map<std::string, double> engaged = loaded.report;
  engaged.insert(r.engaged.begin(), r.engaged.end());
  Json j{{"task", r.task}, {"metrics", metricsOf(r.metrics)}, {"seconds", r.seconds}, {"engaged", engaged}, {"plan", commandLine(loaded.plan)},
         {"data_fingerprint", r.dataFingerprint}, {"kl", nullptr}, {"paired", nullptr}};
  if (r.kl) j["kl"] = jsonOf(*r.kl);
  if (options.againstDense) {
    j["dense"] = metricsOf(r.dense);
    j["paired"] = metricsOf(r.paired);
  }
  progress.hide();
  if (!shell.json) print(r, j);
  return j;
}

}  // namespace

void addEval(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "eval", "Quality of a model under a plan, with its standard error", flags, &run);
  verb.positional("MODEL", flags->model, "The model");
  verb.text("--task", flags->options.task, "The task");
  verb.text("--data", flags->data, "Your own data: plain text for perplexity, JSON lines for choice tasks");
  verb.number("--limit", flags->options.limit, "So many items (chunks, questions); 0: all", {0, 1 << 30});
  verb.number("--context", flags->options.context, "Tokens of a perplexity chunk", {8, 1 << 20});
  verb.seed("--seed", flags->options.seed, "Seed of tasks that draw");
  verb.text("--against", flags->against, "Compare with the untouched model: KL divergence and paired difference", {.choices = {"dense"}});
  addPlanFlags(verb, flags->plan);
}

}  // namespace ts::cli
