// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <iostream>
#include <iterator>
#include <optional>

#include "app/cli/bench_memory.h"
#include "app/cli/load.h"
#include "app/cli/measures.h"
#include "app/cli/roofline.h"
#include "app/cli/text.h"
#include "engine/core/round_trip.h"
#include "engine/evaluation/evaluate.h"
#include "engine/kernels/isa.h"
#include "engine/model/lanes.h"
#include "engine/weights/ahead.h"
#include "engine/weights/wide.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model;
  PlanFlags plan;
  BenchOptions options;
  std::vector<std::int64_t> depths;
  bool child = false, noChild = false, onlyMemory = false, layers = false;
};

void addSensors(Facts& facts, const BenchResult& r) {
  if (r.frequencyMHz) facts.add("frequency", numberText(*r.frequencyMHz) + " MHz (" + r.frequencySource + ")");
  if (r.temperatureC) facts.add("temperature", numberText(*r.temperatureC, 3) + " °C at most (" + r.temperatureSource + ")");
  if (r.packageJoules)
    facts.add("energy", numberText(*r.packageJoules, 3) + " J a repetition" + (r.dramJoules ? " and " + numberText(*r.dramJoules, 3) + " J of memory" : ""));
}

void printDepths(const BenchResult& r) {
  if (r.atDepths.empty()) return;
  std::cout << "\nSpeed at other depths\n\n";
  Table table({"depth", "prefill tokens/s", "decode tokens/s", "first token ms"});
  for (const BenchResult::AtDepth& d : r.atDepths)
    table.add({countText(d.depth), spreadText(d.prefillTokensPerSecond), spreadText(d.decodeTokensPerSecond), spreadText(d.ttftMs)});
  table.print(std::cout);
}

Json depthsOf(const BenchResult& r) {
  Json depths = Json::array();
  for (const BenchResult::AtDepth& d : r.atDepths)
    depths.push_back({{"depth", d.depth}, {"prefill_tokens_per_s", d.prefillTokensPerSecond.median}, {"decode_tokens_per_s", d.decodeTokensPerSecond.median},
                      {"ttft_ms", d.ttftMs.median}, {"spread", {{"prefill_tokens_per_s", jsonOf(d.prefillTokensPerSecond)}, {"decode_tokens_per_s", jsonOf(d.decodeTokensPerSecond)}}}});
  return depths;
}

/// What the system offers, nothing else.
Json sensorsOf(const BenchResult& r) {
  Json sensors = Json::object();
  if (r.frequencyMHz) sensors["frequency_mhz"] = *r.frequencyMHz, sensors["frequency_source"] = r.frequencySource;
  if (r.temperatureC) sensors["temperature_c"] = *r.temperatureC, sensors["temperature_source"] = r.temperatureSource;
  if (r.packageJoules) sensors["energy_joules"] = *r.packageJoules;
  if (r.dramJoules) sensors["dram_joules"] = *r.dramJoules;
  return sensors;
}

/// Where the workers' cores were: the host of a virtual machine may move them.
std::string roundTripText(const std::vector<double>& ns) {
  const auto [least, most] = std::ranges::minmax(ns);
  const std::string text = numberText(least, 3) + (most > 1.2 * least ? " to " + numberText(most, 3) : std::string()) + " ns for a cache line there and back";
  return text + (least < kSharedRoundTrip && most > kApartRoundTrip ? "  MOVED: at times they shared a cache, at times they did not" : "");
}

/// How one row's kernels read weights, and how fast both ways were.
std::string aheadText() {
  const AheadChoice choice = settleAhead();
  std::string text = choice.asks ? "asks for what it will read" : "leaves reading ahead to the processor, where little is computed";
  if (choice.forced) return text + " (TRADESPACE_AHEAD)";
  if (choice.askedGBs <= 0) return text;
  return text + " (a core reads " + numberText(choice.askedGBs, 3) + " GB/s asking, " + numberText(choice.aloneGBs, 3) + " GB/s left alone)";
}
Json aheadJson(const AheadChoice& choice) { return {{"asks", choice.asks}, {"forced", choice.forced}, {"asked_gb_s", choice.askedGBs}, {"alone_gb_s", choice.aloneGBs}}; }

/// Blocks through which each worker takes some of a prompt's rows by itself.
std::int64_t blocksInLanes(const Loaded& loaded) {
  return std::ranges::count_if(loaded.prepared->blocks, [&](const Block& block) { return Lanes::suit(block, loaded.plan.activations); });
}
std::string lanesText(const Loaded& loaded) {
  const std::int64_t lanes = blocksInLanes(loaded), all = std::ssize(loaded.prepared->blocks);
  const std::string rows = countText(Lanes::kRows) + " at a time on each core";
  return lanes == 0 ? "through every block together" : lanes == all ? rows : rows + " through " + countText(lanes) + " of " + countText(all) + " blocks, else together";
}

void print(const BenchResult& r, const std::optional<MeasuredMemory>& memory, const Loaded& loaded, const std::map<std::string, double>& engaged) {
  Facts facts;
  facts.add("plan", planText(loaded.plan) + "  on " + std::to_string(loaded.pool->size()) + " threads");
  facts.add("prefill", spreadText(r.prefillTokensPerSecond) + " tokens/s");
  facts.add("decode", spreadText(r.decodeTokensPerSecond) + " tokens/s");
  facts.add("first token", spreadText(r.ttftMs) + " ms");
  facts.add("between tokens", numberText(r.itlP50Ms) + " ms median, " + numberText(r.itlP90Ms) + " p90, " + numberText(r.itlP99Ms) + " p99");
  if (r.tokensPerStep > 1) facts.add("tokens per step", numberText(r.tokensPerStep, 3));
  facts.add("repetitions", std::to_string(r.ttftMs.samples.size()) + " after " + std::to_string(r.warmups) + " to warm up" +
                               (r.warm ? "" : "  NOT WARM: the last two still differed by more than 5 %"));
  facts.add("bandwidth", numberText(r.readBandwidthGBs) + " GB/s of the machine; decode uses " + numberText(100 * r.bandwidthUsed, 3) + " %");
  if (!r.roundTripsNs.empty()) facts.add("between cores", roundTripText(r.roundTripsNs));
  facts.add("arithmetic", numberText(r.arithmetic.floatGops, 3) + " GOP/s of float32" +
                              (r.arithmetic.byteGops > 0 ? ", " + numberText(r.arithmetic.byteGops, 3) + " of bytes" : std::string()) + " at most");
  facts.add("kernels", kernelIsa() + "; one row " + aheadText() + "; a long prompt's rows go " + lanesText(loaded));
  facts.add("memory", memoryText(r.memory));
  if (memory) addMemory(facts, *memory);
  facts.add("noise", numberText(100 * r.noise, 2) + " %" + (r.noise > kHighNoise ? "  HIGH: other work ran on this machine" : ""));
  addSensors(facts, r);
  addEngaged(facts, engaged);
  facts.print(std::cout);
  printDepths(r);
  printOperations(r);
}

/// Which path many rows take, as it was measured on this machine.
void printKernels() {
  if (const std::string forced = forcedWide(); !forced.empty())
    std::cout << "\nProducts of many rows go by " << forced << ", as TRADESPACE_WIDE or the scalar instruction set wants it\n";
  const std::vector<KernelChoice> choices = kernelChoices();
  if (choices.empty()) return;
  std::cout << "\nProducts of many rows, one core, measured once on this machine\n\n";
  Table table({"format", "as few rows", "as floats", "oneDNN", "taken"});
  const auto speed = [](double gops) { return gops > 0 ? numberText(gops, 3) + " GOP/s" : std::string("the same"); };
  for (const KernelChoice& c : choices)
    table.add({c.format, speed(c.tilesGops), speed(c.floatsGops), speed(c.dnnlGops) + ", " + c.dnnlImplementation,
               c.switchOver > 0 ? c.pathName() + " from " + countText(c.switchOver) + " rows" : "as few rows"});
  table.print(std::cout);
}

Json kernelsOf() {
  Json kernels = Json::array();
  for (const KernelChoice& c : kernelChoices())
    kernels.push_back({{"format", c.format}, {"switch_over", c.switchOver}, {"path", c.pathName()}, {"tiles_gops", c.tilesGops}, {"floats_gops", c.floatsGops}, {"onednn_gops", c.dnnlGops}, {"implementation", c.dnnlImplementation}});
  return kernels;
}

Result<Json> run(Shell& shell, const Flags& flags) {
  BenchOptions options = flags.options;
  if (!flags.depths.empty()) {
    options.depth = flags.depths.front();
    options.moreDepths.assign(flags.depths.begin() + 1, flags.depths.end());
  }
  if (flags.child) return runAsChild(shell, flags.model, flags.plan, options);
  Progress progress(shell.quiet);
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  std::optional<MeasuredMemory> memory;
  if (!flags.noChild) {
    TS_TRY(memory, measureMemory(shell, flags.model, flags.plan, options));
  }
  if (flags.onlyMemory) {
    if (!memory) return fail("--only-memory needs the process that --no-child does without", "--only-memory");
    Facts facts;
    facts.add("memory", memoryText(memory->counted));
    addMemory(facts, *memory);
    progress.hide();
    if (!shell.json) facts.print(std::cout);
    return Json{{"peak_bytes", memory->peakBytes}, {"bytes", jsonOf(memory->counted)}, {"memory", jsonOf(*memory)}};
  }
  TS_TRY(const Loaded loaded, load(shell, flags.model, flags.plan, progress));
  EvaluationHooks hooks{.stop = shell.stop.get_token()};
  hooks.progress = [&](std::int64_t done, std::int64_t total) {
    progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0, "repetition " + std::to_string(done) + " of " + std::to_string(total));
  };
  hold.release();
  TS_TRY(hold, holdFor(MachineUse::Measure, shell, progress));
  TS_TRY(const BenchResult r, bench(loaded.prepared, loaded.plan, options, *loaded.pool, hooks));
  std::map<std::string, double> engaged = loaded.report;
  engaged.insert(r.engaged.begin(), r.engaged.end());
  progress.hide();
  if (!shell.json) {
    print(r, memory, loaded, engaged);
    if (flags.layers) printLayers(r);
    printKernels();
  }
  return Json{{"prefill_tokens_per_s", r.prefillTokensPerSecond.median}, {"decode_tokens_per_s", r.decodeTokensPerSecond.samples.empty() ? Json() : Json(r.decodeTokensPerSecond.median)},
              {"ttft_ms", r.ttftMs.median}, {"itl_ms", {{"p50", r.itlP50Ms}, {"p90", r.itlP90Ms}, {"p99", r.itlP99Ms}}},
              {"read_bandwidth_gb_s", r.readBandwidthGBs}, {"bandwidth_used", r.bandwidthUsed}, {"bytes", jsonOf(r.memory)},
              {"peak_bytes", memory ? memory->peakBytes : r.peakBytes}, {"memory", memory ? jsonOf(*memory) : Json()}, {"noise", r.noise}, {"threads", loaded.pool->size()},
              {"prompt", flags.options.prompt}, {"generate", flags.options.generate}, {"depth", options.depth}, {"depths", depthsOf(r)},
              {"tokens_per_step", r.tokensPerStep}, {"repetitions", r.ttftMs.samples.size()}, {"warmups", r.warmups}, {"warm", r.warm}, {"sensors", sensorsOf(r)},
              {"spread", {{"prefill_tokens_per_s", jsonOf(r.prefillTokensPerSecond)}, {"decode_tokens_per_s", jsonOf(r.decodeTokensPerSecond)}, {"ttft_ms", jsonOf(r.ttftMs)}}},
              {"arithmetic", {{"float_gops", r.arithmetic.floatGops}, {"byte_gops", r.arithmetic.byteGops}}},
              {"operations", operationsOf(r.operations, r)},
              {"prefill_operations", operationsOf(r.prefillOperations, r)}, {"layers", layersOf(r)}, {"isa", kernelIsa()}, {"round_trips_ns", r.roundTripsNs}, {"one_row", aheadJson(settleAhead())}, {"blocks_in_lanes", blocksInLanes(loaded)}, {"kernels", kernelsOf()}, {"plan", commandLine(loaded.plan)}, {"engaged", engaged}};
}

}  // namespace

void addBench(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "bench", "Speed, latency and memory of a model under a plan, measured alone on the machine", flags, &run);
  verb.positional("MODEL", flags->model, "The model");
  verb.number("--prompt", flags->options.prompt, "Tokens of the prompt", {1, 1 << 24});
  verb.number("--generate", flags->options.generate, "Tokens to generate; 1: prefill and first token only, no decode speed", {1, 1 << 24});
  verb.numbers("--depth", flags->depths, "Tokens already in the cache before the prompt; several (repeated, or 0,1024,4096) give a speed each", {0, 1 << 24});
  verb.number("--repetitions", flags->options.repetitions, "Repetitions at least; medians are reported, with an interval and its true confidence (six give 95 %)", {1, 10000});
  verb.real("--until-interval", flags->options.interval, "Repeat until the decode speed's 95 % interval is its median ± this share, such as 0.02; 0: do not", 0, 1);
  verb.number("--max-repetitions", flags->options.maximumRepetitions, "But not more often than that", {1, 100000});
  verb.number("--warmup", flags->options.warmup, "Repetitions before those, not counted: at least so many, then until two in a row take the same time; 0: none", {0, 1000});
  verb.toggle("--no-child", flags->noChild, "Do not run the plan in a process of its own first, which measures its peak of memory");
  verb.toggle("--only-memory", flags->onlyMemory, "Do only that");
  verb.toggle("--layers", flags->layers, "Show the decoding layer by layer, too (--json always tells)");
  verb.hidden("--measured-child", flags->child);
  verb.seed("--seed", flags->options.seed, "Seed of the place in the text that the prompt is taken from");
  addPlanFlags(verb, flags->plan);
}

}  // namespace ts::cli
