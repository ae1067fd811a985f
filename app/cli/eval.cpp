// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <fstream>
#include <iostream>

#include "app/cli/load.h"
#include "app/cli/measures.h"
#include "app/cli/text.h"
#include "engine/core/model_path.h"
#include "engine/evaluation/evaluate.h"
#include "engine/evaluation/task.h"
#include "engine/formats/tokenizer.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model, data, against, samples;
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
    facts.add("KL divergence", errorText(kl.mean, kl.meanStderr) + " nats; median " + numberText(kl.median()) + ", 99th percentile " +
                                   numberText(kl.p99()) + ", largest " + numberText(kl.maximum()));
    facts.add("right token's probability", errorText(100 * kl.meanDeltaP, 100 * kl.meanDeltaPStderr) + " points; root mean square " +
                                              errorText(100 * kl.rmsDeltaP, 100 * kl.rmsDeltaPStderr) + ", 1st to 99th percentile " +
                                              numberText(100 * KlStatistics::at(kl.deltaP, 0.01)) + " to " + numberText(100 * KlStatistics::at(kl.deltaP, 0.99)));
    facts.add("same first choice", errorText(100 * kl.sameTop, 100 * kl.sameTopStderr) + " %");
    facts.add("ln PPL ratio", errorText(kl.logPerplexityRatio, kl.logPerplexityRatioStderr) + "; correlation " + numberText(kl.correlation, 5));
  }
  for (const auto& [name, metric] : r.paired)
    facts.add(name + ", plan - dense", errorText(metric.value, metric.stderr_) + "  (item by item)");
  if (!r.skipped.empty()) {
    std::string which;
    for (std::size_t i = 0; i < std::min<std::size_t>(r.skipped.size(), 5); ++i)
      which += (i ? ", " : "") + std::to_string(r.skipped[i].item) + " (" + r.skipped[i].reason + ")";
    facts.add("skipped", countText(static_cast<std::int64_t>(r.skipped.size())) + " items: " + which + (r.skipped.size() > 5 ? " ..." : ""));
  }
  addEngaged(facts, j["engaged"].get<std::map<std::string, double>>());
  facts.add("time", durationText(r.seconds));
  facts.print(std::cout);
  for (const std::string& note : r.notes) std::cout << "note: " << note << "\n";
}

/// One JSON object a line: the item's number and its values.
Result<void> writeSamples(const std::string& path, const std::vector<Sample>& samples) {
  std::ofstream out(path, std::ios::binary);
  for (const Sample& s : samples) {
    Json line{{"item", s.item}};
    for (const auto& [name, value] : s.values) line[name] = value;
    out << line.dump() << "\n";
  }
  out.close();
  if (!out) return fail(ErrorKind::Io, "the samples cannot be written", path);
  return {};
}

/// What is wrong with a task's name.
std::string unknownTask(const std::string& name) {
  if (findTask(name)) return "";
  std::string names;
  for (const Task& task : tasks()) names += (names.empty() ? "" : ", ") + task.name;
  return "there is no task '" + name + "'; tasks: " + names;
}

/// The model to compare with: the untouched one itself, or another file's.
Result<std::shared_ptr<const Model>> reference(const Loaded& loaded, const std::string& against, std::stop_token stop) {
  if (against.empty() || against == "dense") return loaded.dense;
  TS_TRY(const std::filesystem::path path, modelPath(against));
  TS_TRY(const Checkpoint checkpoint, openCheckpoint(path, stop));
  if (!checkpoint.tokenizer || !loaded.checkpoint.tokenizer)
    return fail("both models need a tokenizer to be compared on a text", "--against");
  constexpr std::string_view kProbe = "The 2 quick brown foxes (naïve, über-fast) jump;\n\n = over 13,567 lazy dogs = ";
  if (checkpoint.tokenizer->encode(kProbe) != loaded.checkpoint.tokenizer->encode(kProbe))
    return fail(ErrorKind::Refused, "the two models split text into different tokens, so their predictions cannot be compared token by token", "--against " + against);
  return buildModel(checkpoint, *loaded.pool, stop);
}

Result<Json> run(Shell& shell, const Flags& flags) {
  Progress progress(shell.quiet);
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  TS_TRY(const Loaded loaded, load(shell, flags.model, flags.plan, progress));
  EvaluationOptions options = flags.options;
  options.data = flags.data;
  options.againstDense = !flags.against.empty();
  TS_TRY(const std::shared_ptr<const Model> dense, reference(loaded, flags.against, shell.stop.get_token()));
  EvaluationHooks hooks{.stop = shell.stop.get_token()};
  hooks.progress = [&](std::int64_t done, std::int64_t total) {
    progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0,
                    options.task + ": " + std::to_string(done) + " of " + std::to_string(total));
    if (done < total) giveWay(hold, shell, progress);
  };
  TS_TRY(const EvaluationResult r, evaluate(loaded.prepared, dense, loaded.plan, options, *loaded.pool, hooks));

  std::map<std::string, double> engaged = loaded.report;
  engaged.insert(r.engaged.begin(), r.engaged.end());
  Json j{{"task", r.task}, {"metrics", metricsOf(r.metrics)}, {"seconds", r.seconds}, {"engaged", engaged}, {"plan", commandLine(loaded.plan)},
         {"data_fingerprint", r.dataFingerprint}, {"kl", nullptr}, {"paired", nullptr}};
  j["skipped"] = Json::array();
  for (const SkippedItem& s : r.skipped) j["skipped"].push_back({{"item", s.item}, {"reason", s.reason}});
  j["notes"] = r.notes;
  if (!flags.samples.empty()) TS_CHECK(writeSamples(flags.samples, r.samples));
  if (r.kl) j["kl"] = jsonOf(*r.kl);
  if (options.againstDense) {
    j["against"] = flags.against;
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
  verb.text("--task", flags->options.task, "The task", {.check = unknownTask});
  verb.text("--data", flags->data, "Your own data: plain text for perplexity, JSON lines for choice tasks");
  verb.number("--limit", flags->options.limit, "So many items (chunks, questions); 0: all", {0, 1 << 30});
  verb.number("--context", flags->options.context, "Tokens of a perplexity chunk", {8, 1 << 20});
  verb.seed("--seed", flags->options.seed, "Seed of tasks that draw");
  verb.text("--against", flags->against,
            "Compare item by item and by KL divergence, with 'dense' (this model untouched) or with another model's file of the same vocabulary");
  verb.real("--until-stderr", flags->options.untilStderr,
            "Stop early once the first metric's standard error is no greater (after 16 items at least); 0: score everything", 0, 1e9);
  verb.text("--samples", flags->samples, "Write each item's values to this file, one JSON object a line");
  addPlanFlags(verb, flags->plan);
}

}  // namespace ts::cli
