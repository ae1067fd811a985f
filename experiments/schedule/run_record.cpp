// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/schedule/run_record.h"

#include <xxhash.h>

#include <array>
#include <boost/math/distributions/normal.hpp>
#include <charconv>
#include <fstream>

#include "engine/core/version.h"
#include "engine/evaluation/task.h"
#include "experiments/spec/chain.h"
#include "experiments/spec/constraints.h"

namespace ts {
namespace {

std::string hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

/// "weights.q4.group" = "32"; a strategy that appears again is "weights.q4#2.group".
Result<void> addSettings(Family family, const std::vector<StrategySpec>& chain,
                         std::map<std::string, std::string>& settings) {
  const std::string prefix(name(family));
  if (!chain.empty()) settings[prefix] = chainText(chain);
  std::map<std::string, int> times;
  for (const StrategySpec& spec : chain) {
    TS_TRY(const Settings resolved, registry().resolve(family, spec));
    const int time = ++times[spec.id];
    for (const auto& [key, value] : resolved.values())
      settings[prefix + "." + spec.id + (time > 1 ? "#" + std::to_string(time) : "") + "." + key] = toText(value);
  }
  return {};
}

/// The shortest text that reads back as the same number.
std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string quoted(const std::string& text) {
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=") ==
          std::string::npos &&
      !text.empty())
    return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string shellLine(const Sweep& sweep, const Plan& plan) {
  const std::string flags = commandLine(plan), tail = flags.empty() ? "" : " " + flags,
                    seed = " --seed " + std::to_string(sweep.seed);
  std::string line;
  if (sweep.quality) {
    line = "tradespace-cli eval " + quoted(sweep.model) + " --task " + quoted(sweep.task.task);
    if (!sweep.task.data.empty()) line += " --data " + quoted(sweep.task.data.string());
    if (sweep.task.limit > 0) line += " --limit " + std::to_string(sweep.task.limit);
    line += " --context " + std::to_string(sweep.task.context);
    if (sweep.task.untilStderr > 0) line += " --until-stderr " + shortest(sweep.task.untilStderr);
    if (sweep.task.againstDense) line += " --against dense";
    line += seed + tail;
  }
  if (sweep.latency) {
    line += (line.empty() ? "" : " && ") + std::string("tradespace-cli bench ") + quoted(sweep.model) + " --prompt " +
            std::to_string(sweep.bench.prompt) + " --generate " + std::to_string(sweep.bench.generate);
    if (sweep.bench.depth > 0 || !sweep.bench.moreDepths.empty()) line += " --depth " + std::to_string(sweep.bench.depth);
    for (const std::int64_t depth : sweep.bench.moreDepths) line += " --depth " + std::to_string(depth);
    if (sweep.bench.interval > 0)
      line += " --until-interval " + toText(Value(sweep.bench.interval)) + " --max-repetitions " +
              std::to_string(sweep.bench.maximumRepetitions);
    if (sweep.bench.warmup != BenchOptions{}.warmup) line += " --warmup " + std::to_string(sweep.bench.warmup);
    line += " --repetitions " + std::to_string(sweep.bench.repetitions) + seed + tail;
  }
  return line;
}

}  // namespace

Result<std::string> fileFingerprint(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::Io, "the task's data cannot be read", path.string());
  XXH3_state_t* state = XXH3_createState();
  XXH3_128bits_reset(state);
  std::vector<char> block(1 << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0)
    XXH3_128bits_update(state, block.data(), static_cast<std::size_t>(file.gcount()));
  const std::string text = hex(XXH3_128bits_digest(state));
  XXH3_freeState(state);
  if (file.bad()) return fail(ErrorKind::Io, "the task's data cannot be read", path.string());
  return text;
}

Result<RunRecord> describe(const Sweep& sweep, const PlannedRun& planned, const ModelRecord& model,
                           const HostRecord& host, const Identity& with) {
  const Plan& plan = planned.plan;
  RunRecord run;
  run.model = model;
  run.host = host;
  TS_TRY(run.plan, canonical(plan));
  run.commandLine = shellLine(sweep, plan);
  run.seed = sweep.seed;
  run.engineVersion = std::string(engineVersion());
  run.task = sweep.quality ? sweep.task.task : "";

  auto& settings = run.settings;
  TS_CHECK(addSettings(Family::Weights, plan.weights, settings));
  TS_CHECK(addSettings(Family::KeyValue, plan.kv, settings));
  if (plan.decode) TS_CHECK(addSettings(Family::Decoding, {*plan.decode}, settings));
  TS_CHECK(addSettings(Family::Sampling, plan.sample, settings));
  if (plan.search) TS_CHECK(addSettings(Family::Search, {*plan.search}, settings));
  settings["activations"] = plan.activations == Activations::Q8 ? "q8" : "f32";
  settings["threads"] = std::to_string(plan.threads);

  std::string identity = "model=" + model.fingerprint + "\n" + run.plan + "seed=" + std::to_string(sweep.seed) +
                         "\nengine=" + run.engineVersion + "\narithmetic=" + with.arithmetic + "\n";
  run.provenance = with.provenance;
  if (!sweep.constraints.empty()) run.provenance["constraints"] = toText(sweep.constraints);
  for (const NamedModel& named : modelsNamed(plan)) {
    const std::string fingerprint = with.modelFingerprint(named.source).value_or("unknown");
    run.provenance[named.parameter + ".fingerprint"] = fingerprint;
    identity += named.parameter + "=" + fingerprint + "\n";
  }
  if (sweep.quality) {
    const EvaluationOptions& task = sweep.task;
    settings["task.limit"] = std::to_string(task.limit);
    settings["task.context"] = std::to_string(task.context);
    settings["task.against_dense"] = task.againstDense ? "true" : "false";
    if (!task.data.empty()) settings["task.data"] = task.data.string();
    identity += "task=" + task.task + " limit=" + settings["task.limit"] + " context=" + settings["task.context"] +
                " dense=" + settings["task.against_dense"] +
                " data=" + (task.data.empty() ? "bundled" : with.data) + "\n";
    // Only where they are set, so that what older versions measured keeps its key.
    if (task.untilStderr > 0) identity += "until=" + (settings["task.until_stderr"] = shortest(task.untilStderr)) + "\n";
    if (const Task* known = findTask(task.task); known && known->revision > 1)
      identity += "revision=" + std::to_string(known->revision) + "\n";
  }
  if (sweep.latency) {
    const BenchOptions& bench = sweep.bench;
    settings["bench.prompt"] = std::to_string(bench.prompt);
    settings["bench.generate"] = std::to_string(bench.generate);
    settings["bench.depth"] = std::to_string(bench.depth);
    settings["bench.repetitions"] = std::to_string(bench.repetitions);
    if (bench.warmup != BenchOptions{}.warmup) settings["bench.warmup"] = std::to_string(bench.warmup);
    std::string more;
    for (const std::int64_t depth : bench.moreDepths) more += (more.empty() ? "" : " ") + std::to_string(depth);
    if (!more.empty()) settings["bench.more_depths"] = more;
    if (bench.interval > 0) {
      settings["bench.interval"] = toText(Value(bench.interval));
      settings["bench.max_repetitions"] = std::to_string(bench.maximumRepetitions);
    }
    identity += "bench=" + settings["bench.prompt"] + " " + settings["bench.generate"] + " " + settings["bench.depth"] +
                " " + settings["bench.repetitions"] + " " + std::to_string(bench.warmup) +
                (more.empty() ? "" : " depths " + more) + (sweep.memory ? " memory" : "") +
                (bench.interval > 0 ? " until " + settings["bench.interval"] + " of " + settings["bench.max_repetitions"] : "") +
                "\nhost=" + host.cpu + "; " +
                host.isa + "; " + std::to_string(host.cores) + "\n";
  }
  run.key = hex(XXH3_128bits(identity.data(), identity.size()));
  return run;
}

Measurements measurementsOf(const EvaluationResult& result) {
  Measurements out;
  for (const auto& [name, metric] : result.metrics) {
    MetricValue& value = out.metrics[name];
    value.value = metric.value;
    if (metric.stderr_ > 0) value.stderr_ = metric.stderr_;
    if (metric.n > 0) value.n = metric.n;
  }
  if (result.kl) {
    const KlStatistics& kl = *result.kl;
    out.metrics["kl_mean"] = {kl.mean, kl.meanStderr, kl.n};
    out.metrics["kl_median"] = {kl.median(), {}, kl.n};
    out.metrics["kl_p99"] = {kl.p99(), {}, kl.n};
    out.metrics["kl_max"] = {kl.maximum(), {}, kl.n};
    out.metrics["kl_p999"] = {KlStatistics::at(kl.divergence, 0.999), {}, kl.n};
    out.metrics["delta_p"] = {kl.meanDeltaP, kl.meanDeltaPStderr, kl.n};
    out.metrics["delta_p_rms"] = {kl.rmsDeltaP, kl.rmsDeltaPStderr, kl.n};
    out.metrics["log_perplexity_ratio"] = {kl.logPerplexityRatio, kl.logPerplexityRatioStderr, kl.n};
    out.metrics["correlation"] = {kl.correlation, {}, kl.n};
    out.metrics["same_top"] = {kl.sameTop, kl.sameTopStderr, kl.n};
  }
  out.engaged = result.engaged;
  out.dataFingerprint = result.dataFingerprint;
  return out;
}

Measurements measurementsOf(const BenchResult& result) {
  Measurements out;
  const auto spread = [&](const std::string& name, const BenchResult::Spread& s) {
    if (s.samples.empty()) return;  // one generated token has no decode speed
    MetricValue& value = out.metrics[name];
    value.value = s.median;
    // A standard error is the half width of an interval of 68 %; this one's true confidence tells how many of them it holds.
    if (s.high > s.low && s.confidence > 0)
      value.stderr_ = (s.high - s.low) / 2 / boost::math::quantile(boost::math::normal(), (1 + s.confidence) / 2);
    value.n = static_cast<std::int64_t>(s.samples.size());
  };
  spread("prefill_tokens_per_s", result.prefillTokensPerSecond);
  spread("decode_tokens_per_s", result.decodeTokensPerSecond);
  spread("ttft_ms", result.ttftMs);
  const auto plain = [&](const char* name, double value) { out.metrics[name] = {.value = value}; };
  for (const BenchResult::AtDepth& at : result.atDepths) {
    const std::string depth = "_at_" + std::to_string(at.depth);
    spread("prefill_tokens_per_s" + depth, at.prefillTokensPerSecond);
    spread("decode_tokens_per_s" + depth, at.decodeTokensPerSecond);
    spread("ttft_ms" + depth, at.ttftMs);
  }
  if (!result.decodeTokensPerSecond.samples.empty()) {
    plain("itl_p50_ms", result.itlP50Ms);
    plain("itl_p90_ms", result.itlP90Ms);
    plain("itl_p99_ms", result.itlP99Ms);
    if (result.tokensPerStep > 0) plain("tokens_per_step", result.tokensPerStep);
  }
  if (result.frequencyMHz) plain("frequency_mhz", *result.frequencyMHz);
  if (result.temperatureC) plain("temperature_c", *result.temperatureC);
  if (result.packageJoules) plain("energy_joules", *result.packageJoules);
  if (result.dramJoules) plain("dram_joules", *result.dramJoules);
  if (!result.frequencySource.empty()) out.provenance["frequency.source"] = result.frequencySource;
  if (!result.temperatureSource.empty()) out.provenance["temperature.source"] = result.temperatureSource;
  if (result.threads > 0) out.provenance["threads"] = std::to_string(result.threads);
  out.provenance["load_average"] = toText(Value(result.loadAverage));
  out.provenance["warm"] = result.warm ? "true" : "false";
  plain("read_bandwidth", result.readBandwidthGBs);
  plain("bandwidth_used", result.bandwidthUsed);
  plain("noise", result.noise);
  plain("bytes_weights", static_cast<double>(result.memory.weights));
  plain("bytes_kv", static_cast<double>(result.memory.kv));
  plain("bytes_scratch", static_cast<double>(result.memory.scratch));
  plain("bytes_draft", static_cast<double>(result.memory.draft));
  plain("bytes_total", static_cast<double>(result.memory.total()));
  out.engaged = result.engaged;
  out.noisy = result.noise > kHighNoise;
  return out;
}

}  // namespace ts
