// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench_memory.h"

#include "app/cli/measures.h"
#include "app/cli/text.h"
#include "engine/core/child_process.h"
#include "engine/evaluation/machine.h"

namespace ts::cli {
namespace {

/// Resident memory of a program of ours that runs a model, beyond what is counted: code and tables of the libraries that a
/// run touches, stacks, the prompt's text. Measured on x86-64 Debian 12 (benchmarks/README.md); added to what this
/// process has before a model is opened.
constexpr std::uint64_t kTouchedByRunning = 3'600'000;

std::vector<std::string> childArguments(const std::string& model, const Plan& plan, const BenchOptions& options) {
  std::vector<std::string> words{"bench", model, "--measured-child", "--json", "--quiet"};
  const auto flag = [&](const char* name, const std::string& value) { words.insert(words.end(), {name, value}); };
  flag("--prompt", std::to_string(options.prompt));
  flag("--generate", std::to_string(options.generate));
  flag("--depth", std::to_string(options.depth));
  flag("--seed", std::to_string(options.seed));
  for (const std::string& word : commandWords(plan)) words.push_back(word);
  return words;
}

/// What the child said was wrong, as this process would have said it; else how it ended.
Error failureOf(const Json& json, int status, const std::string& model) {
  if (json.is_object() && json.contains("error")) {
    const Json& error = json["error"];
    const std::string kind = error.value("kind", "");
    for (const ErrorKind k : {ErrorKind::InvalidInput, ErrorKind::Refused, ErrorKind::Unsupported, ErrorKind::OutOfMemory, ErrorKind::Io, ErrorKind::Cancelled})
      if (kind == name(k)) return {k, error.value("message", ""), error.value("where", "")};
  }
  const std::string how = status > 128 ? "was ended by signal " + std::to_string(status - 128) : "ended with status " + std::to_string(status);
  return {ErrorKind::Internal, "the process that measures memory " + how, model};
}

MemoryUse useFrom(const Json& json) {
  return {json.at("weights").get<std::uint64_t>(), json.at("kv").get<std::uint64_t>(), json.at("scratch").get<std::uint64_t>(),
          json.at("draft").get<std::uint64_t>()};
}

std::string share(std::uint64_t part, std::uint64_t of) {
  return numberText(100 * (static_cast<double>(part) / static_cast<double>(of) - 1), 2) + " %";
}

}  // namespace

Result<Json> runAsChild(Shell& shell, const std::string& model, const PlanFlags& flags, const BenchOptions& asked) {
  const std::uint64_t program = residentMemory();
  Progress progress(true);
  TS_TRY(Loaded loaded, load(shell, model, flags, progress));
  const std::shared_ptr<const Model> prepared = std::exchange(loaded.prepared, nullptr);
  const ModelConfig config = prepared->config;
  loaded.dense.reset();
  loaded.checkpoint = {};  // the mapped file: its pages are the file's, and counted as ours while mapped
  const std::uint64_t loadPeak = peakMemory();
  BenchOptions options = asked;
  options.repetitions = 1;
  options.warmup = 0;
  options.interval = 0;
  options.moreDepths.clear();
  options.bandwidth = false;
  TS_TRY(const RunForecast forecast, forecastRun(config, prepared->weightBytes(), loaded.plan, options.depth + options.prompt + options.generate,
                                                 std::max(options.depth, options.prompt), loaded.pool->size()));
  TS_TRY(const BenchResult result, bench(prepared, loaded.plan, options, *loaded.pool, {.stop = shell.stop.get_token()}));
  return Json{{"program_bytes", program}, {"load_peak_bytes", loadPeak}, {"peak_bytes", result.peakBytes}, {"bytes", jsonOf(result.memory)},
              {"forecast", {{"bytes", jsonOf(forecast.use)}, {"passing", forecast.passing}, {"tokenizer", forecast.tokenizer}, {"at_most", forecast.atMost}}}};
}

Result<MeasuredMemory> measureMemory(Shell& shell, const std::string& model, const PlanFlags& flags, const BenchOptions& options) {
  TS_TRY(const Plan plan, planOf(flags));
  TS_TRY(const ChildResult child, runChild("/proc/self/exe", childArguments(model, plan, options), shell.stop.get_token()));
  const Json json = Json::parse(child.output, nullptr, false);
  if (child.status != 0) return tl::unexpected(failureOf(json, child.status, model));
  if (json.is_discarded()) return fail(ErrorKind::Internal, "the process that measures memory said nothing that can be read");
  MeasuredMemory memory;
  memory.peakBytes = child.peakBytes;
  memory.loadPeakBytes = json.at("load_peak_bytes");
  memory.programBytes = json.at("program_bytes");
  memory.counted = useFrom(json.at("bytes"));
  const Json& forecast = json.at("forecast");
  memory.forecast.use = useFrom(forecast.at("bytes"));
  memory.forecast.passing = forecast.at("passing");
  memory.forecast.tokenizer = forecast.at("tokenizer");
  memory.forecast.atMost = forecast.at("at_most");
  memory.forecast.program = memory.programBytes + kTouchedByRunning;
  return memory;
}

Json jsonOf(const MeasuredMemory& m) {
  return {{"peak_bytes", m.peakBytes}, {"load_peak_bytes", m.loadPeakBytes}, {"program_bytes", m.programBytes}, {"counted_bytes", m.counted.total()},
          {"not_counted_bytes", static_cast<std::int64_t>(m.peakBytes) - static_cast<std::int64_t>(m.counted.total())},
          {"forecast", {{"total", m.forecast.total()}, {"bytes", jsonOf(m.forecast.use)}, {"passing", m.forecast.passing}, {"tokenizer", m.forecast.tokenizer},
                        {"program", m.forecast.program}, {"at_most", m.forecast.atMost}}},
          {"forecast_over_measured", static_cast<double>(m.forecast.total()) / static_cast<double>(m.peakBytes)}};
}

void addMemory(Facts& facts, const MeasuredMemory& m) {
  const auto bytes = [](std::uint64_t n) { return bytesText(static_cast<double>(n)); };
  facts.add("peak memory", bytes(m.peakBytes) + " in a process of its own; counted above " + bytes(m.counted.total()) + ", the program itself " +
                               bytes(m.programBytes) + ", else " +
                               bytesText(static_cast<double>(m.peakBytes) - static_cast<double>(m.counted.total() + m.programBytes)));
  facts.add("while loading", bytes(m.loadPeakBytes) + " at most");
  facts.add("forecast", (m.forecast.atMost ? "at most " : "") + bytes(m.forecast.total()) + ", " + share(m.forecast.total(), m.peakBytes) + " from the peak");
}

}  // namespace ts::cli
