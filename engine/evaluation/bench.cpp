// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <random>
#include <tuple>
#include <utility>

#include "engine/core/bandwidth.h"
#include "engine/core/resources.h"
#include "engine/core/round_trip.h"
#include "engine/core/sensors.h"
#include "engine/decoding/decoder.h"
#include "engine/evaluation/data.h"
#include "engine/evaluation/evaluate.h"
#include "engine/evaluation/machine.h"
#include "engine/evaluation/statistics.h"
#include "engine/formats/tokenizer.h"

namespace ts {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Consecutive tokens of the bundled text from a place the seed chooses; random ids where there is no tokenizer or text.
std::vector<int> makePrompt(const Model& model, std::int64_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto n = static_cast<std::size_t>(count);
  if (model.tokenizer) {
    if (const auto data = readTaskData(resourceFolder() / "tasks" / "wikitext-2-raw.test.txt.xz")) {
      std::string text = data->bytes;
      while (text.size() < n * 16) text += data->bytes;
      const std::size_t span = n * 12;
      std::size_t from = random() % (text.size() - span + 1);
      const std::size_t line = text.rfind('\n', from);  // begin with a whole line
      if (line != std::string::npos) from = line;
      std::vector<int> ids = model.tokenizer->encode(std::string_view(text).substr(from, span), {.addSpecial = true, .parseSpecial = false});
      if (ids.size() >= n) return {ids.begin(), ids.begin() + count};
    }
  }
  std::vector<int> ids(n);
  for (int& id : ids) id = static_cast<int>(random() % static_cast<std::uint64_t>(model.config.vocabulary));
  return ids;
}

/// What one repetition showed.
struct Repetition {
  double prefillSeconds = 0, ttftSeconds = 0, decodeSeconds = 0;
  std::int64_t decoded = 0;  ///< tokens after the first
  std::int64_t steps = 0;    ///< of the decode strategy
  std::vector<double> gapsMs;
  Ledger prefill, decode;
  MemoryUse memory;
  std::map<std::string, double> engaged;
  double seconds() const { return ttftSeconds + decodeSeconds; }
};

struct Bench {
  std::shared_ptr<const Model> model;
  const Plan& plan;
  const BenchOptions& options;
  ThreadPool& pool;
  const EvaluationHooks& hooks;
  std::vector<int> tokens;  ///< depth, then prompt
  std::unique_ptr<Session> session;
  std::unique_ptr<Decoder> decoder;

  Result<void> prepare() {
    TS_CHECK(check(plan, modelOffers(model->config, model->tokenizer != nullptr)));
    tokens = makePrompt(*model, options.depth + options.prompt, options.seed);
    if (plan.search) return {};
    SessionOptions open;
    open.kv = plan.kv;
    open.activations = plan.activations;
    open.capacity = options.depth + options.prompt + options.generate;
    TS_TRY(session, Session::open(model, pool, open));
    TS_TRY(decoder, registry().make<Decoder>(Family::Decoding, effectiveDecode(plan)));
    const auto load = [this](const std::string& source) { return loadModel(source, pool); };
    return decoder->prepare({.model = model, .pool = pool, .activations = plan.activations, .load = options.load ? options.load : load});
  }

  Result<Repetition> once() {
    if (plan.search) return searchOnce();
    Repetition r;
    TS_TRY(FilterChain chain, makeChain(plan));
    std::mt19937_64 random(options.seed);
    const std::span<const int> all(tokens), before = all.first(static_cast<std::size_t>(options.depth)), prompt = all.subspan(before.size());
    session->reset();
    chain.accept(all);
    if (!before.empty()) TS_CHECK(session->prefill(before, options.depth, {}, hooks.stop));
    std::vector<float> logits;
    DecodeContext context{.session = *session, .chain = chain, .sampling = needsSampling(plan), .random = random, .engaged = r.engaged};

    session->ledger().clear();
    auto begin = Clock::now();
    TS_CHECK(session->prefill(prompt, options.prompt - 1, [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); }, hooks.stop));
    r.prefillSeconds = since(begin);
    TS_TRY(const int first, decoder->begin(context, logits));
    r.ttftSeconds = since(begin);
    (void)first;
    r.prefill = session->ledger();

    session->ledger().clear();
    std::vector<int> burst;
    r.gapsMs.reserve(static_cast<std::size_t>(options.generate) + 64);
    begin = Clock::now();
    for (auto last = begin; r.decoded + 1 < options.generate;) {
      if (hooks.stop.stop_requested()) return fail(ErrorKind::Cancelled, "the benchmark was cancelled", "bench");
      if (session->draftLimit() < 1)
        return fail("the model's context ends after " + std::to_string(session->position()) + " tokens; depth, prompt and generated tokens must fit", "bench");
      TS_CHECK(decoder->next(context, burst));
      const auto now = Clock::now();
      r.gapsMs.push_back(std::chrono::duration<double, std::milli>(now - last).count());
      r.gapsMs.insert(r.gapsMs.end(), burst.size() - 1, 0.0);
      r.decoded += static_cast<std::int64_t>(burst.size());
      ++r.steps;
      last = now;
    }
    r.decodeSeconds = since(begin);
    r.decode = session->ledger();
    r.memory = session->memory();
    r.memory.draft += decoder->bytes();
    for (const auto& [name, value] : session->engaged()) r.engaged[name] = value;
    return r;
  }

  /// Reads the model once (a draft model not): measuring the bandwidth has thrown it out of the caches.
  Result<void> touch() {
    if (plan.search) return {};
    session->reset();
    return session->prefill(std::span(tokens).first(1), 0, {}, hooks.stop);
  }

  Result<Repetition> searchOnce() {
    GenerateOptions generation{.tokens = options.generate, .seed = options.seed, .stopAtEnd = false, .load = options.load};
    const auto begin = Clock::now();
    TS_TRY(const Generation g, generate(model, plan, tokens, generation, pool, {}, hooks.stop));
    if (g.stopReason == "cancelled") return fail(ErrorKind::Cancelled, "the benchmark was cancelled", "bench");
    Repetition r;
    r.ttftSeconds = g.ttftMs / 1e3;
    r.decodeSeconds = since(begin);
    r.decoded = static_cast<std::int64_t>(g.ids.size());
    r.gapsMs = g.gapsMs;
    r.memory = g.memory;
    r.engaged = g.engaged;
    return r;
  }
};

template <class Of>
std::map<std::string, Cost> byName(Of of) {
  std::map<std::string, Cost> out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Operation::Count); ++i) {
    const Cost& cost = of(static_cast<Operation>(i));
    if (cost.calls > 0) out.emplace(name(static_cast<Operation>(i)), cost);
  }
  return out;
}
std::map<std::string, Cost> byName(const Ledger& ledger) {
  return byName([&](Operation o) -> const Cost& { return ledger.of(o); });
}
std::vector<std::map<std::string, Cost>> byLayer(const Ledger& ledger) {
  std::vector<std::map<std::string, Cost>> out;
  for (int layer = 0; layer < ledger.layers(); ++layer) out.push_back(byName([&](Operation o) -> const Cost& { return ledger.of(layer, o); }));
  return out;
}

/// Of all layers' maps together: floats where any takes them, else the most digits.
int linearDigits(const Model& model, Activations activations) {
  int most = 1;
  for (const Block& block : model.blocks)
    for (const Linear* linear : {&block.q, &block.k, &block.v, &block.o, &block.gate, &block.up, &block.down}) {
      if (!linear->weight) continue;
      const int digits = linear->weight->digits(activations);
      if (digits == 0) return 0;
      most = std::max(most, digits);
    }
  return most;
}

Result<void> checkOptions(const BenchOptions& o) {
  if (o.prompt < 1) return fail("at least one prompt token is needed", "--prompt");
  if (o.generate < 1) return fail("at least one token must be generated (and two for a decode speed: the first one is the prompt's)", "--generate");
  if (o.depth < 0 || std::ranges::any_of(o.moreDepths, [](std::int64_t d) { return d < 0; })) return fail("the depth cannot be negative", "--depth");
  if (o.repetitions < 1) return fail("at least one repetition is needed", "--repetitions");
  return {};
}

constexpr double kSameTime = 0.05;
constexpr int kMoreWarmups = 4;
constexpr double kBandwidthHolds = 0.5;  // seconds for which the memory's speed is taken to be what it was: measuring it takes a tenth

/// What the repetitions at one depth gave.
struct Timings {
  std::vector<double> prefill, decode, ttft, gaps, probes, frequencies, package, dram;
  std::vector<double> bandwidth, bandwidthUsed, roundTrips;
  Repetition last;
  std::int64_t decoded = 0, steps = 0;
  std::uint64_t peakBytes = 0;
  std::optional<double> hottest;
  std::string frequencySource, temperatureSource;

  void add(Repetition r, const BenchOptions& options) {
    if (r.prefillSeconds > 0) prefill.push_back(static_cast<double>(options.prompt) / r.prefillSeconds);
    if (r.decoded > 0) decode.push_back(static_cast<double>(r.decoded) / r.decodeSeconds);
    ttft.push_back(r.ttftSeconds * 1e3);
    gaps.insert(gaps.end(), r.gapsMs.begin(), r.gapsMs.end());
    decoded += r.decoded;
    steps += r.steps;
    last = std::move(r);
  }
  void add(const SensorReading& reading, std::optional<double> packageJoules, std::optional<double> dramJoules) {
    if (reading.frequencyMHz) frequencies.push_back(*reading.frequencyMHz), frequencySource = reading.frequencySource;
    if (reading.temperatureC && reading.temperatureC > hottest) hottest = reading.temperatureC, temperatureSource = reading.temperatureSource;
    if (packageJoules) package.push_back(*packageJoules);
    if (dramJoules) dram.push_back(*dramJoules);
  }
  bool narrow(double interval) const {
    const BenchResult::Spread spread = spreadOf(decode.empty() ? prefill : decode);
    return spread.confidence >= 0.95 && spread.relativeHalfWidth() <= interval;
  }
};

/// Tells how far along all depths are; the total grows when more repetitions turn out to be needed.
struct Steps {
  const EvaluationHooks& hooks;
  std::int64_t done = 0, total = 0;
  void plan(std::int64_t more) { total += more; }
  void one() {
    ++done;
    hooks.progress(done, std::max(done, total));
  }
};

/// Until two repetitions in a row take the same time: caches filled, frequency settled, memory touched.
Result<std::pair<int, bool>> warmUp(Bench& bench, const BenchOptions& options, Steps& steps) {
  double before = 0;
  for (int n = 1; options.warmup > 0; ++n) {
    TS_TRY(const Repetition r, bench.once());
    const bool same = before > 0 && std::abs(r.seconds() / before - 1) <= kSameTime;
    before = r.seconds();
    const bool enough = n >= options.warmup && (same || n >= options.warmup + kMoreWarmups);
    if (!enough && n >= options.warmup) steps.plan(1);
    steps.one();
    if (enough) return std::pair(n, same);
  }
  return std::pair(0, true);
}

/// GB/s that decoding read; none where nothing was counted (searches).
std::optional<double> readRate(const Repetition& r) {
  const auto bytes = static_cast<double>(r.decode.total().bytes);
  if (r.decoded == 0 || bytes == 0) return std::nullopt;
  return bytes / r.decodeSeconds / 1e9;
}

Result<Timings> measure(Bench& bench, const BenchOptions& options, ThreadPool& pool, Steps& steps) {
  Timings t;
  if (options.warmup > 0) t.peakBytes = peakMemory();
  const Sensors sensors;
  // Where others share the memory its speed is not the same from second to second: what a repetition could have had is
  // what was there just before and after it.
  Clock::time_point sampled;
  bool cold = false;
  const auto sampleBandwidth = [&]() -> Result<void> {
    if (options.bandwidth && (t.bandwidth.empty() || since(sampled) > kBandwidthHolds)) {
      t.bandwidth.push_back(measureReadBandwidth(pool, bench.hooks.stop));
      if (const double ns = measureRoundTrip(pool); ns > 0) t.roundTrips.push_back(ns);
      sampled = Clock::now();
      cold = true;
    }
    if (bench.hooks.stop.stop_requested()) return fail(ErrorKind::Cancelled, "the benchmark was cancelled", "bench");
    return {};
  };
  TS_CHECK(sampleBandwidth());
  for (int n = 0;; ++n) {
    if (n >= options.repetitions) {
      if (!(options.interval > 0) || n >= options.maximumRepetitions || t.narrow(options.interval)) break;
      steps.plan(1);
    }
    t.probes.push_back(probeMachine(pool));
    if (std::exchange(cold, false)) TS_CHECK(bench.touch());
    const double bandwidthBefore = options.bandwidth ? t.bandwidth.back() : 0;
    // Measuring the bandwidth took memory of its own; where the system forgets no peak, that of warming up counts (or, without
    // warming up, the buffer with the rest).
    const bool own = resetPeakMemory() || !options.bandwidth || t.peakBytes == 0;
    const SensorReading before = sensors.read();
    TS_TRY(Repetition r, bench.once());
    const SensorReading after = sensors.read();
    if (own) t.peakBytes = std::max(t.peakBytes, peakMemory());
    const std::optional<double> rate = readRate(r);
    t.add(after, sensors.packageJoules(before, after), sensors.dramJoules(before, after));
    t.add(std::move(r), options);
    steps.one();
    TS_CHECK(sampleBandwidth());
    if (rate && options.bandwidth) t.bandwidthUsed.push_back(*rate / (0.5 * (bandwidthBefore + t.bandwidth.back())));
  }
  t.probes.push_back(probeMachine(pool));
  return t;
}

std::optional<double> medianOf(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  return spreadOf(std::move(values)).median;
}

}  // namespace

Result<BenchResult> bench(std::shared_ptr<const Model> prepared, const Plan& plan, const BenchOptions& options, ThreadPool& pool,
                          const EvaluationHooks& hooks) {
  TS_CHECK(checkOptions(options));
  BenchResult result;
  result.threads = pool.size();
  result.loadAverage = loadAverage();
  if (options.bandwidth) result.arithmetic = measureArithmetic(pool);
  result.linearDigits = linearDigits(*prepared, plan.activations);
  result.headDigits = prepared->head.weight->digits(plan.activations);
  Steps steps{hooks};
  steps.plan(static_cast<std::int64_t>(1 + options.moreDepths.size()) * (options.warmup + options.repetitions));
  {
    Bench bench{prepared, plan, options, pool, hooks, {}, nullptr, nullptr};
    TS_CHECK(bench.prepare());
    trimMemory();
    resetPeakMemory();
    TS_TRY(std::tie(result.warmups, result.warm), warmUp(bench, options, steps));
    TS_TRY(Timings t, measure(bench, options, pool, steps));
    result.prefillTokensPerSecond = spreadOf(std::move(t.prefill));
    result.decodeTokensPerSecond = spreadOf(std::move(t.decode));
    result.ttftMs = spreadOf(std::move(t.ttft));
    std::sort(t.gaps.begin(), t.gaps.end());
    result.itlP50Ms = percentile(t.gaps, 0.50);
    result.itlP90Ms = percentile(t.gaps, 0.90);
    result.itlP99Ms = percentile(t.gaps, 0.99);
    if (t.steps > 0) result.tokensPerStep = static_cast<double>(t.decoded) / static_cast<double>(t.steps);
    result.readBandwidthGBs = medianOf(std::move(t.bandwidth)).value_or(0);
    result.roundTripsNs = std::move(t.roundTrips);
    result.bandwidthUsed = medianOf(std::move(t.bandwidthUsed)).value_or(0);
    std::sort(t.probes.begin(), t.probes.end());
    result.noise = (t.probes.back() - t.probes.front()) / percentile(t.probes, 0.5);
    if (!t.frequencies.empty()) result.frequencyMHz = std::accumulate(t.frequencies.begin(), t.frequencies.end(), 0.0) / static_cast<double>(t.frequencies.size());
    result.temperatureC = t.hottest;
    result.frequencySource = t.frequencySource;
    result.temperatureSource = t.temperatureSource;
    result.packageJoules = medianOf(std::move(t.package));
    result.dramJoules = medianOf(std::move(t.dram));
    result.memory = t.last.memory;
    result.operations = byName(t.last.decode);
    result.prefillOperations = byName(t.last.prefill);
    result.layers = byLayer(t.last.decode);
    result.engaged = std::move(t.last.engaged);
    result.peakBytes = t.peakBytes;
  }
  for (const std::int64_t depth : options.moreDepths) {
    BenchOptions there = options;
    there.depth = depth;
    there.bandwidth = false;  // known from the first
    Bench bench{prepared, plan, there, pool, hooks, {}, nullptr, nullptr};
    TS_CHECK(bench.prepare());
    TS_CHECK(warmUp(bench, there, steps));
    TS_TRY(Timings t, measure(bench, there, pool, steps));
    result.atDepths.push_back({depth, spreadOf(std::move(t.prefill)), spreadOf(std::move(t.decode)), spreadOf(std::move(t.ttft))});
  }
  return result;
}

}  // namespace ts
