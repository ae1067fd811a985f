// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <chrono>
#include <random>

#include "engine/core/bandwidth.h"
#include "engine/core/resources.h"
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
  std::vector<double> gapsMs;
  Ledger prefill, decode;
  MemoryUse memory;
  std::map<std::string, double> engaged;
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
      last = now;
    }
    r.decodeSeconds = since(begin);
    r.decode = session->ledger();
    r.memory = session->memory();
    r.memory.draft += decoder->bytes();
    for (const auto& [name, value] : session->engaged()) r.engaged[name] = value;
    return r;
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

std::map<std::string, Cost> byName(const Ledger& ledger) {
  std::map<std::string, Cost> out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Operation::Count); ++i) {
    const Cost& cost = ledger.of(static_cast<Operation>(i));
    if (cost.calls > 0) out.emplace(name(static_cast<Operation>(i)), cost);
  }
  return out;
}

Result<void> checkOptions(const BenchOptions& o) {
  if (o.prompt < 1) return fail("at least one prompt token is needed", "--prompt");
  if (o.generate < 2) return fail("at least two tokens must be generated: the first one is the prompt's", "--generate");
  if (o.depth < 0) return fail("the depth cannot be negative", "--depth");
  if (o.repetitions < 1) return fail("at least one repetition is needed", "--repetitions");
  return {};
}

}  // namespace

Result<BenchResult> bench(std::shared_ptr<const Model> prepared, const Plan& plan, const BenchOptions& options, ThreadPool& pool,
                          const EvaluationHooks& hooks) {
  TS_CHECK(checkOptions(options));
  BenchResult result;
  result.loadAverage = loadAverage();
  result.readBandwidthGBs = measureReadBandwidth(pool);
  resetPeakMemory();
  Bench bench{std::move(prepared), plan, options, pool, hooks, {}, nullptr, nullptr};
  TS_CHECK(bench.prepare());

  std::vector<double> prefill, decode, ttft, gaps, probes;
  Repetition last;
  double bytes = 0, seconds = 0;
  const int total = std::max(options.warmup, 0) + options.repetitions;
  for (int i = 0; i < total; ++i) {
    const bool counts = i >= total - options.repetitions;
    if (counts) probes.push_back(probeMachine(pool));
    TS_TRY(Repetition r, bench.once());
    hooks.progress(i + 1, total);
    if (!counts) continue;
    if (r.prefillSeconds > 0) prefill.push_back(static_cast<double>(options.prompt) / r.prefillSeconds);
    decode.push_back(static_cast<double>(r.decoded) / r.decodeSeconds);
    ttft.push_back(r.ttftSeconds * 1e3);
    gaps.insert(gaps.end(), r.gapsMs.begin(), r.gapsMs.end());
    bytes += static_cast<double>(r.decode.total().bytes);
    seconds += r.decodeSeconds;
    last = std::move(r);
  }
  probes.push_back(probeMachine(pool));

  result.prefillTokensPerSecond = spreadOf(std::move(prefill));
  result.decodeTokensPerSecond = spreadOf(std::move(decode));
  result.ttftMs = spreadOf(std::move(ttft));
  std::sort(gaps.begin(), gaps.end());
  result.itlP50Ms = percentile(gaps, 0.50);
  result.itlP90Ms = percentile(gaps, 0.90);
  result.itlP99Ms = percentile(gaps, 0.99);
  if (seconds > 0 && result.readBandwidthGBs > 0) result.bandwidthUsed = bytes / seconds / 1e9 / result.readBandwidthGBs;
  std::sort(probes.begin(), probes.end());
  result.noise = (probes.back() - probes.front()) / percentile(probes, 0.5);
  result.memory = last.memory;
  result.peakBytes = peakMemory();
  result.operations = byName(last.decode);
  result.prefillOperations = byName(last.prefill);
  result.engaged = std::move(last.engaged);
  return result;
}

}  // namespace ts
