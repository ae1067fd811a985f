// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/load.h"
#include "app/cli/measures.h"
#include "app/cli/text.h"
#include "engine/evaluation/evaluate.h"
#include "engine/weights/wide.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model;
  PlanFlags plan;
  BenchOptions options;
};

void print(const BenchResult& r, const Loaded& loaded, const std::map<std::string, double>& engaged) {
  Facts facts;
  facts.add("plan", planText(loaded.plan) + "  on " + std::to_string(loaded.pool->size()) + " threads");
  facts.add("prefill", spreadText(r.prefillTokensPerSecond) + " tokens/s");
  facts.add("decode", spreadText(r.decodeTokensPerSecond) + " tokens/s");
  facts.add("first token", spreadText(r.ttftMs) + " ms");
  facts.add("between tokens", numberText(r.itlP50Ms) + " ms median, " + numberText(r.itlP90Ms) + " p90, " + numberText(r.itlP99Ms) + " p99");
  facts.add("bandwidth", numberText(r.readBandwidthGBs) + " GB/s of the machine; decode uses " + numberText(100 * r.bandwidthUsed, 3) + " %");
  facts.add("memory", memoryText(r.memory) + "; peak of the process " + bytesText(static_cast<double>(r.peakBytes)));
  facts.add("noise", numberText(100 * r.noise, 2) + " %" + (r.noise > 0.1 ? "  HIGH: other work ran on this machine" : ""));
  addEngaged(facts, engaged);
  facts.print(std::cout);
  if (r.operations.empty()) return;
  std::cout << "\nOne decode repetition by kind of operation\n\n";
  Table table({"operation", "time", "read", "GB/s", "GOP/s", "calls"});
  for (const auto& [name, cost] : r.operations) {
    if (cost.calls == 0) continue;
    const double seconds = static_cast<double>(cost.nanoseconds) * 1e-9;
    table.add({name, numberText(seconds * 1e3) + " ms", bytesText(static_cast<double>(cost.bytes)),
               seconds > 0 ? numberText(static_cast<double>(cost.bytes) * 1e-9 / seconds, 3) : "–",
               seconds > 0 ? numberText(static_cast<double>(cost.operations) * 1e-9 / seconds, 3) : "–",
               countText(static_cast<std::int64_t>(cost.calls))});
  }
  table.print(std::cout);
}

/// Which path many rows take, as it was measured on this machine.
void printKernels() {
  const std::vector<KernelChoice> choices = kernelChoices();
  if (choices.empty()) return;
  std::cout << "\nProducts of many rows, one core, measured once on this machine\n\n";
  Table table({"format", "own tiles", "oneDNN", "oneDNN from", "implementation"});
  for (const KernelChoice& c : choices)
    table.add({c.format, numberText(c.tilesGops, 3) + " GOP/s", numberText(c.dnnlGops, 3) + " GOP/s",
               c.switchOver > 0 ? countText(c.switchOver) + " rows" : "never", c.dnnlImplementation});
  table.print(std::cout);
}

Json kernelsOf() {
  Json kernels = Json::array();
  for (const KernelChoice& c : kernelChoices())
    kernels.push_back({{"format", c.format}, {"switch_over", c.switchOver}, {"tiles_gops", c.tilesGops}, {"onednn_gops", c.dnnlGops}, {"implementation", c.dnnlImplementation}});
  return kernels;
}

Json operationsOf(const BenchResult& r) {
  Json operations = Json::object();
  for (const auto& [name, cost] : r.operations)
    operations[name] = {{"bytes", cost.bytes}, {"operations", cost.operations}, {"nanoseconds", cost.nanoseconds}, {"calls", cost.calls}};
  return operations;
}

Result<Json> run(Shell& shell, const Flags& flags) {
  Progress progress(shell.quiet);
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  TS_TRY(const Loaded loaded, load(shell, flags.model, flags.plan, progress));
  EvaluationHooks hooks{.stop = shell.stop.get_token()};
  hooks.progress = [&](std::int64_t done, std::int64_t total) {
    progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0, "repetition " + std::to_string(done) + " of " + std::to_string(total));
  };
  hold.release();
  TS_TRY(hold, holdFor(MachineUse::Measure, shell, progress));
  TS_TRY(const BenchResult r, bench(loaded.prepared, loaded.plan, flags.options, *loaded.pool, hooks));
  std::map<std::string, double> engaged = loaded.report;
  engaged.insert(r.engaged.begin(), r.engaged.end());
  progress.hide();
  if (!shell.json) {
    print(r, loaded, engaged);
    printKernels();
  }
  return Json{{"prefill_tokens_per_s", r.prefillTokensPerSecond.median}, {"decode_tokens_per_s", r.decodeTokensPerSecond.median},
              {"ttft_ms", r.ttftMs.median}, {"itl_ms", {{"p50", r.itlP50Ms}, {"p90", r.itlP90Ms}, {"p99", r.itlP99Ms}}},
              {"read_bandwidth_gb_s", r.readBandwidthGBs}, {"bandwidth_used", r.bandwidthUsed}, {"bytes", jsonOf(r.memory)},
              {"peak_bytes", r.peakBytes}, {"noise", r.noise}, {"threads", loaded.pool->size()},
              {"prompt", flags.options.prompt}, {"generate", flags.options.generate}, {"depth", flags.options.depth},
              {"spread", {{"prefill_tokens_per_s", jsonOf(r.prefillTokensPerSecond)}, {"decode_tokens_per_s", jsonOf(r.decodeTokensPerSecond)}, {"ttft_ms", jsonOf(r.ttftMs)}}},
              {"operations", operationsOf(r)}, {"kernels", kernelsOf()}, {"plan", commandLine(loaded.plan)}, {"engaged", engaged}};
}

}  // namespace

void addBench(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "bench", "Speed, latency and memory of a model under a plan, measured alone on the machine", flags, &run);
  verb.positional("MODEL", flags->model, "The model");
  verb.number("--prompt", flags->options.prompt, "Tokens of the prompt", {1, 1 << 24});
  verb.number("--generate", flags->options.generate, "Tokens to generate", {1, 1 << 24});
  verb.number("--depth", flags->options.depth, "Tokens already in the cache before the prompt", {0, 1 << 24});
  verb.number("--repetitions", flags->options.repetitions, "Repetitions; medians are reported", {1, 10000});
  verb.number("--warmup", flags->options.warmup, "Repetitions before those, not counted", {0, 1000});
  verb.seed("--seed", flags->options.seed, "Seed of the random prompt");
  addPlanFlags(verb, flags->plan);
}

}  // namespace ts::cli
