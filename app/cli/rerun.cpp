// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>

#include "app/cli/load.h"
#include "app/cli/runs.h"
#include "app/cli/text.h"
#include "engine/core/model_path.h"
#include "engine/core/version.h"
#include "engine/evaluation/evaluate.h"
#include "engine/weights/provenance.h"
#include "experiments/analysis/label.h"
#include "experiments/analysis/paired.h"
#include "experiments/schedule/host.h"
#include "experiments/schedule/run_record.h"
#include "experiments/spec/chain.h"
#include "experiments/store/metrics.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string store, model;
  std::int64_t run = 0;
  bool noLatency = false;
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

Result<BenchOptions> benchOf(const RunRecord& run) {
  BenchOptions options{.seed = run.seed};
  TS_TRY(options.prompt, numberOf(run, "bench.prompt"));
  TS_TRY(options.generate, numberOf(run, "bench.generate"));
  TS_TRY(options.depth, numberOf(run, "bench.depth"));
  TS_TRY(const std::int64_t repetitions, numberOf(run, "bench.repetitions"));
  options.repetitions = static_cast<int>(repetitions);
  if (!settingOf(run, "bench.warmup").empty()) {
    TS_TRY(const std::int64_t warmup, numberOf(run, "bench.warmup"));
    options.warmup = static_cast<int>(warmup);
  }
  std::istringstream depths(settingOf(run, "bench.more_depths"));
  for (std::int64_t depth = 0; depths >> depth;) options.moreDepths.push_back(depth);
  if (const std::string interval = settingOf(run, "bench.interval"); !interval.empty()) {
    options.interval = std::strtod(interval.c_str(), nullptr);
    TS_TRY(const std::int64_t most, numberOf(run, "bench.max_repetitions"));
    options.maximumRepetitions = static_cast<int>(most);
  }
  return options;
}

struct Again {
  std::string metric;
  double stored = 0, now = 0;
  std::optional<double> p;  ///< of no difference; timings only
};

/// What is the same to the last bit on the same machine and engine: every metric of quality, and every value of every item.
struct Agreement {
  std::vector<Again> metrics;
  std::int64_t items = 0, differing = 0;
  bool agrees = true;
};
bool sameBits(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

Agreement agreement(const RunRecord& run, const std::vector<SampleRecord>& samples, const EvaluationResult& result) {
  Agreement out;
  const Measurements now = measurementsOf(result);
  for (const auto& [name, metric] : now.metrics) {
    const auto it = run.metrics.find(name);
    if (it == run.metrics.end() || isTiming(name)) continue;
    out.metrics.push_back({name, it->second.value, metric.value, {}});
    out.agrees &= sameBits(it->second.value, metric.value);
  }
  std::map<std::int64_t, const Sample*> ofItem;
  for (const Sample& sample : result.samples) ofItem[sample.item] = &sample;
  for (const SampleRecord& sample : samples) {
    ++out.items;
    const auto it = ofItem.find(sample.item);
    // A newer program may know more of an item; what was stored must be there again.
    const bool same = it != ofItem.end() && std::ranges::all_of(sample.values, [&](const auto& stored) {
      const auto now = it->second->values.find(stored.first);
      return now != it->second->values.end() && (isTiming(stored.first) || sameBits(stored.second, now->second));
    });
    out.differing += !same;
  }
  out.agrees &= out.differing == 0 && !out.metrics.empty();
  return out;
}

/// Timings are never the same twice: is the difference more than both errors explain?
std::vector<Again> timings(const RunRecord& run, const BenchResult& result) {
  std::vector<Again> out;
  const Measurements now = measurementsOf(result);
  for (const auto& [name, value] : now.metrics) {  // at the first depth, and "..._at_1024"
    if (!name.starts_with("prefill_tokens_per_s") && !name.starts_with("decode_tokens_per_s") && !name.starts_with("ttft_ms")) continue;
    const auto then = run.metrics.find(name), again = now.metrics.find(name);
    if (then == run.metrics.end()) continue;
    const double errorThen = then->second.stderr_.value_or(0), errorNow = again->second.stderr_.value_or(0);
    std::optional<double> p;
    if (errorThen > 0 || errorNow > 0) p = independent(then->second.value, errorThen, again->second.value, errorNow).p;
    out.push_back({name, then->second.value, again->second.value, p});
  }
  return out;
}

/// "library.onednn was 2.6.3, is 3.2": what of the program and the machine is not as it was.
std::vector<std::string> changes(const RunRecord& run, const Plan& plan, std::string& draftProblem) {
  std::map<std::string, std::string> now = programProvenance();
  now["library.sqlite"] = sqliteVersion();
  for (const NamedModel& named : modelsNamed(plan))
    if (const auto path = modelPath(named.source))
      if (const auto checkpoint = openCheckpoint(*path)) now[named.parameter + ".fingerprint"] = checkpoint->fingerprint;
  std::vector<std::string> out;
  const auto compare = [&](const std::string& name, const std::string& then, const std::string& is) {
    if (then != is) out.push_back(name + " was " + (then.empty() ? "not known" : then) + ", is " + (is.empty() ? "not known" : is));
  };
  compare("engine", run.engineVersion, std::string(engineVersion()));
  const HostRecord host = thisHost();
  compare("processor", run.host.cpu + " (" + run.host.isa + ")", host.cpu + " (" + host.isa + ")");
  compare("kernel", run.host.kernel, host.kernel);
  for (const auto& [name, value] : now)
    if (const auto then = run.provenance.find(name); then != run.provenance.end()) {
      compare(name, then->second, value);
      if (name.ends_with(".fingerprint") && then->second != value) draftProblem = name + " was " + then->second + ", is " + value;
    }
  return out;
}

void print(const RunRecord& stored, const std::optional<Agreement>& quality, const std::vector<Again>& timed, const std::vector<std::string>& changed) {
  std::cout << "run " << stored.id << "  " << shortName(stored) << "\n\n";
  Table table({"metric", "stored", "now", ""});
  if (quality)
    for (const Again& m : quality->metrics)
      table.add({titleOf(m.metric), numberText(m.stored, 9), numberText(m.now, 9), sameBits(m.stored, m.now) ? "equal" : "DIFFERS"});
  for (const Again& m : timed)
    table.add({titleOf(m.metric), formatValue(m.metric, m.stored), formatValue(m.metric, m.now),
               !m.p ? "no error known" : *m.p < 0.05 ? "differs by more than the errors explain" : "within the errors"});
  table.print(std::cout);
  if (quality && quality->agrees)
    std::cout << "\nQuality agrees with the store to the last bit, in " << quality->items << " items.\n";
  else if (quality)
    std::cout << "\nQuality does NOT agree with the store: " << quality->differing << " of " << quality->items << " items differ.\n";
  for (const std::string& change : changed) std::cout << "note: " << change << "\n";
}

Json jsonOf(const std::vector<Again>& all) {
  Json json = Json::object();
  for (const Again& m : all) {
    json[m.metric] = {{"stored", m.stored}, {"now", m.now}, {"equal", sameBits(m.stored, m.now)}};
    if (m.p) json[m.metric]["p"] = *m.p, json[m.metric]["within_errors"] = *m.p >= 0.05;
  }
  return json;
}

Result<Json> run(Shell& shell, const Flags& flags) {
  Progress progress(shell.quiet);
  TS_TRY(const std::unique_ptr<Store> store, openStore(flags.store));
  TS_TRY(const RunRecord stored, store->run(flags.run));
  TS_TRY(const std::vector<SampleRecord> samples, store->samples(flags.run));
  const std::string where = "run " + std::to_string(stored.id) + " of " + flags.store;
  if (stored.state != RunState::Done) return fail("this run is " + std::string(name(stored.state)) + ": there is no result to repeat", where);
  const bool timed = stored.metrics.contains("ttft_ms") && !flags.noLatency;
  if (stored.task.empty() && !timed) return fail(ErrorKind::Refused, "this run measured no quality; without --no-latency its timings are taken again", where);
  TS_TRY(const PlanFlags plan, planFlagsOf(stored));
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  TS_TRY(const Loaded loaded, load(shell, flags.model.empty() ? stored.model.path : flags.model, plan, progress));
  if (loaded.checkpoint.fingerprint != stored.model.fingerprint)
    return fail("the model is another one than in the run: its fingerprint is " + loaded.checkpoint.fingerprint + ", the run's is " + stored.model.fingerprint, loaded.checkpoint.path.string());
  std::string draftProblem;
  const std::vector<std::string> changed = changes(stored, loaded.plan, draftProblem);
  if (!draftProblem.empty()) return fail("a model that the plan names is another one than in the run: " + draftProblem, where);

  const auto tell = [&](const std::string& what) {
    return [&, what](std::int64_t done, std::int64_t total) {
      progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0, what);
      if (hold.held() && what != "latency" && done < total) giveWay(hold, shell, progress);
    };
  };
  std::optional<Agreement> quality;
  if (!stored.task.empty()) {
    TS_TRY(const EvaluationOptions options, taskOf(stored));
    EvaluationHooks hooks{.stop = shell.stop.get_token(), .progress = tell(options.task)};
    TS_TRY(const EvaluationResult result, evaluate(loaded.prepared, loaded.dense, loaded.plan, options, *loaded.pool, hooks));
    if (!stored.dataFingerprint.empty() && result.dataFingerprint != stored.dataFingerprint)
      return fail("the scored data are others than in the run: their fingerprint is " + result.dataFingerprint + ", the run's is " + stored.dataFingerprint, options.data.string());
    quality = agreement(stored, samples, result);
  }
  std::vector<Again> speeds;
  if (timed) {
    TS_TRY(const BenchOptions options, benchOf(stored));
    hold.release();
    TS_TRY(hold, holdFor(MachineUse::Measure, shell, progress));
    EvaluationHooks hooks{.stop = shell.stop.get_token(), .progress = tell("latency")};
    TS_TRY(const BenchResult result, bench(loaded.prepared, loaded.plan, options, *loaded.pool, hooks));
    speeds = timings(stored, result);
  }
  progress.hide();
  if (!shell.json) print(stored, quality, speeds, changed);
  if (quality && !quality->agrees) shell.status = 1;
  Json j{{"run", stored.id}, {"agrees", quality ? Json(quality->agrees) : Json()}, {"metrics", quality ? jsonOf(quality->metrics) : Json::object()},
         {"items", quality ? quality->items : 0}, {"items_differing", quality ? quality->differing : 0}, {"latency", jsonOf(speeds)},
         {"changed", changed}, {"same_engine", stored.engineVersion == engineVersion()}};
  return j;
}

}  // namespace

void addRerun(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "rerun", "Repeat a run: does its quality agree to the last bit (exit status 1 if not), its speed within the errors?", flags, &run);
  verb.positional("STORE", flags->store, "The store");
  verb.positional("RUN", flags->run, "The number of the run");
  verb.text("--model", flags->model, "Where the model is now, if it has moved");
  verb.toggle("--no-latency", flags->noLatency, "Quality only");
}

}  // namespace ts::cli
