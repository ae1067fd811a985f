// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "app/cli/load.h"
#include "app/cli/runs.h"
#include "app/cli/text.h"
#include "engine/core/version.h"
#include "engine/evaluation/evaluate.h"
#include "experiments/analysis/label.h"
#include "experiments/spec/chain.h"
#include "experiments/store/metrics.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string store, model;
  std::int64_t run = 0;
};

std::string settingOf(const RunRecord& run, const std::string& name) {
  const auto it = run.settings.find(name);
  return it == run.settings.end() ? "" : it->second;
}

Result<std::int64_t> numberOf(const RunRecord& run, const std::string& name) {
  const std::string text = settingOf(run, name);
  try {
    return text.empty() ? 0 : std::stoll(text);
  } catch (const std::exception&) {
    return fail("expected a whole number in the run's setting '" + name + "', found '" + text + "'", "run " + std::to_string(run.id));
  }
}

/// The flags of a stored plan: chains taken apart into one flag a strategy.
Result<PlanFlags> planFlagsOf(const RunRecord& run) {
  const auto chain = [&](Family family) -> Result<std::vector<std::string>> {
    TS_TRY(const auto chains, parseAlternatives(family, settingOf(run, std::string(name(family))), "run " + std::to_string(run.id)));
    std::vector<std::string> texts;
    for (const StrategySpec& spec : chains.front()) texts.push_back(toText(spec));
    return texts;
  };
  PlanFlags flags;
  TS_TRY(flags.weights, chain(Family::Weights));
  TS_TRY(flags.kv, chain(Family::KeyValue));
  TS_TRY(flags.sample, chain(Family::Sampling));
  TS_TRY(const auto decode, chain(Family::Decoding));
  TS_TRY(const auto search, chain(Family::Search));
  if (!decode.empty()) flags.decode = decode.front();
  if (!search.empty()) flags.search = search.front();
  flags.activations = settingOf(run, "activations");
  TS_TRY(const std::int64_t threads, numberOf(run, "threads"));
  flags.threads = static_cast<int>(threads);
  return flags;
}

Result<EvaluationOptions> taskOf(const RunRecord& run) {
  EvaluationOptions options{.task = run.task, .data = settingOf(run, "task.data"), .seed = run.seed};
  TS_TRY(options.limit, numberOf(run, "task.limit"));
  TS_TRY(options.context, numberOf(run, "task.context"));
  options.againstDense = settingOf(run, "task.against_dense") == "true";
  if (const std::string until = settingOf(run, "task.until_stderr"); !until.empty()) options.untilStderr = std::strtod(until.c_str(), nullptr);
  return options;
}

/// Stored and new value of each quality metric; these are the same to the last bit on the same machine and engine.
struct Agreement {
  std::map<std::string, std::pair<double, double>> values;
  bool agrees = true;
};
Agreement agreement(const RunRecord& run, const EvaluationResult& result) {
  Agreement out;
  for (const auto& [name, metric] : result.metrics) {
    const auto it = run.metrics.find(name);
    if (it == run.metrics.end()) continue;
    out.values[name] = {it->second.value, metric.value};
    out.agrees = out.agrees && it->second.value == metric.value;
  }
  return out;
}

Result<Json> run(Shell& shell, const Flags& flags) {
  Progress progress(shell.quiet);
  TS_TRY(const std::unique_ptr<Store> store, openStore(flags.store));
  TS_TRY(const RunRecord stored, store->run(flags.run));
  const std::string where = "run " + std::to_string(stored.id) + " of " + flags.store;
  if (stored.state != RunState::Done) return fail("this run is " + std::string(name(stored.state)) + ": there is no result to repeat", where);
  if (stored.task.empty()) return fail(ErrorKind::Refused, "this run measured no quality, and a timing is never the same twice; use tradespace-cli bench", where);
  TS_TRY(const PlanFlags plan, planFlagsOf(stored));
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  TS_TRY(const Loaded loaded, load(shell, flags.model.empty() ? stored.model.path : flags.model, plan, progress));
  if (loaded.checkpoint.fingerprint != stored.model.fingerprint)
    return fail("the model is another one than in the run: its fingerprint is " + loaded.checkpoint.fingerprint + ", the run's is " + stored.model.fingerprint, loaded.checkpoint.path.string());
  TS_TRY(const EvaluationOptions options, taskOf(stored));
  EvaluationHooks hooks{.stop = shell.stop.get_token()};
  hooks.progress = [&](std::int64_t done, std::int64_t total) {
    progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0, options.task);
    if (done < total) giveWay(hold, shell, progress);
  };
  TS_TRY(const EvaluationResult result, evaluate(loaded.prepared, loaded.dense, loaded.plan, options, *loaded.pool, hooks));

  const Agreement found = agreement(stored, result);
  const bool sameEngine = stored.engineVersion == engineVersion();
  Json metrics = Json::object();
  for (const auto& [name, values] : found.values) metrics[name] = {{"stored", values.first}, {"now", values.second}, {"equal", values.first == values.second}};
  progress.hide();
  if (!shell.json) {
    std::cout << "run " << stored.id << "  " << shortName(stored) << "\n\n";
    Table table({"metric", "stored", "now", ""});
    for (const auto& [name, values] : found.values)
      table.add({titleOf(name), numberText(values.first, 9), numberText(values.second, 9), values.first == values.second ? "equal" : "DIFFERS"});
    table.print(std::cout);
    std::cout << (found.agrees ? "\nThe run agrees with the store to the last bit.\n" : "\nThe run does not agree with the store.\n");
    if (!sameEngine) std::cout << "note: the store's engine was " << stored.engineVersion << ", this one is " << engineVersion() << "\n";
  }
  return Json{{"run", stored.id}, {"agrees", found.agrees}, {"metrics", metrics}, {"same_engine", sameEngine}, {"seconds", result.seconds}};
}

}  // namespace

void addRerun(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "rerun", "Repeat a run's quality measurement and say whether it agrees", flags, &run);
  verb.positional("STORE", flags->store, "The store");
  verb.positional("RUN", flags->run, "The number of the run");
  verb.text("--model", flags->model, "Where the model is now, if it has moved");
}

}  // namespace ts::cli
