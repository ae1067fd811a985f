// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <chrono>

#include "engine/decoding/output.h"
#include "engine/decoding/search.h"

namespace ts {
Result<FilterChain> makeChain(const Plan& plan) {
  std::vector<std::unique_ptr<LogitFilter>> filters;
  for (const StrategySpec& spec : plan.sample) {
    TS_TRY(auto filter, registry().make<LogitFilter>(Family::Sampling, spec));
    filters.push_back(std::move(filter));
  }
  return FilterChain(std::move(filters));
}

bool needsSampling(const Plan& plan) {
  return std::ranges::any_of(plan.sample, [](const StrategySpec& spec) {
    const auto& needs = registry().find(Family::Sampling, spec.id)->descriptor.needs;
    return std::ranges::find(needs, "sampling") != needs.end();
  });
}

namespace {

Result<void> checkPrompt(std::span<const int> prompt, const Model& model) {
  if (prompt.empty()) return fail("the prompt has no tokens; at least one is needed", "prompt");
  for (const int id : prompt)
    if (id < 0 || id >= model.config.vocabulary)
      return fail(
          "token id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(model.config.vocabulary),
          "prompt");
  return {};
}

/// From the prompt's logits to the end of the text.
Result<void> continueText(std::span<const float> logits, Decoder& decoder, DecodeContext& context, Output& output,
                          std::stop_token stop) {
  TS_TRY(const int first, decoder.begin(context, logits));
  bool going = output.push(std::span(&first, 1));
  for (std::vector<int> tokens; going;) {
    if (stop.stop_requested()) {
      going = output.end("cancelled");
    } else if (context.session.draftLimit() < 1) {
      going = output.end("context");
    } else {
      TS_CHECK(decoder.next(context, tokens));
      going = output.push(tokens);
    }
  }
  output.finish();
  return {};
}

/// Everything one generate() call holds.
struct Run {
  std::shared_ptr<const Model> model;
  const Plan& plan;
  const GenerateOptions& options;
  ThreadPool& pool;
  const TokenSink& sink;
  std::stop_token stop;
  std::unique_ptr<Session> session;
  FilterChain chain;  ///< has accepted the prompt

  Result<std::unique_ptr<Decoder>> makeDecoder() const {
    TS_TRY(auto decoder, registry().make<Decoder>(Family::Decoding, effectiveDecode(plan)));
    const auto load = [this](const std::string& source) { return loadModel(source, pool); };
    TS_CHECK(decoder->prepare(
        {.model = model, .pool = pool, .activations = plan.activations, .load = options.load ? options.load : load}));
    return decoder;
  }

  DecodeContext context(Session& on, FilterChain& with, std::mt19937_64& random, Generation& into) const {
    return {.session = on, .chain = with, .sampling = needsSampling(plan), .random = random, .engaged = into.engaged};
  }

  /// Several continuations of the prompt, one answer. It comes out when the last one has ended.
  Result<void> search(std::span<const float> logits, Decoder& decoder, Output& output, Generation& generation) {
    TS_TRY(const auto search, registry().make<Search>(Family::Search, *plan.search));
    if (effectiveDecode(plan).id != "sample" && !needsSampling(plan))
      return fail(
          ErrorKind::Refused,
          "'" + plan.search->id +
              "' compares different continuations, but nothing in this plan draws; add a filter such as temperature",
          "--search " + toText(*plan.search));
    std::vector<SearchCandidate> candidates;
    std::vector<Generation> generations(static_cast<std::size_t>(search->candidates()));
    const auto started = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < generations.size() && !stop.stop_requested(); ++i) {
      const auto fork = session->fork();
      FilterChain branch = chain.clone();
      std::mt19937_64 random(options.seed + 0x9e3779b97f4a7c15ull * i);
      Output quiet(generations[i], *model, options, {});
      DecodeContext own = context(*fork, branch, random, generations[i]);
      auto& candidate = candidates.emplace_back();
      own.scores = &candidate.logProbabilities;
      TS_CHECK(continueText(logits, decoder, own, quiet, stop));
      candidate.ids = generations[i].ids;
      candidate.text = generations[i].text;
      candidate.logProbabilities.resize(candidate.ids.size());  // a burst may have run past the end
      generation.engaged["search.tokens"] += static_cast<double>(candidate.ids.size());
      for (const auto& [key, value] : fork->engaged()) generation.engaged[key] = value;
      MemoryUse memory = fork->memory();  // beside the session that holds the prompt
      memory.kv += session->memory().kv;
      memory.scratch += session->memory().scratch;
      if (memory.kv > generation.memory.kv) generation.memory = memory;
    }
    generation.engaged["search.candidates"] = static_cast<double>(candidates.size());
    if (candidates.empty()) return output.end("cancelled"), output.finish(), Result<void>();
    const std::size_t best = search->choose(candidates, generation.engaged);
    for (const auto& [key, value] : generations[best].engaged) generation.engaged.emplace(key, value);
    output.push(candidates[best].ids);
    output.finish();
    generation.stopReason = stop.stop_requested() ? "cancelled" : generations[best].stopReason;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    generation.decodeTokensPerSecond = static_cast<double>(candidates[best].ids.size()) / seconds;
    return {};
  }
};

}  // namespace

Result<Generation> generate(std::shared_ptr<const Model> model, const Plan& plan, std::span<const int> prompt,
                            const GenerateOptions& options, ThreadPool& pool, const TokenSink& sink,
                            std::stop_token stop) {
  TS_CHECK(check(plan, modelOffers(model->config, model->tokenizer != nullptr)));
  TS_CHECK(checkPrompt(prompt, *model));
  Run run{model, plan, options, pool, sink, stop, nullptr, {}};
  TS_TRY(run.chain, makeChain(plan));
  TS_TRY(const auto decoder, run.makeDecoder());
  TS_TRY(run.session, Session::open(model, pool,
                                    {.kv = plan.kv,
                                     .activations = plan.activations,
                                     .capacity = static_cast<std::int64_t>(prompt.size()) + options.tokens}));
  Generation generation;
  generation.promptIds.assign(prompt.begin(), prompt.end());
  generation.ids.reserve(static_cast<std::size_t>(std::max<std::int64_t>(options.tokens, 0)));
  generation.gapsMs.reserve(generation.ids.capacity());
  std::vector<float> logits;

  Output output(generation, *model, options, sink);
  run.chain.accept(prompt);
  const auto read = run.session->prefill(
      prompt, static_cast<std::int64_t>(prompt.size()) - 1,
      [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); }, stop);
  if (!read && read.error().kind != ErrorKind::Cancelled) return tl::unexpected(read.error());
  if (!read || options.tokens <= 0) {
    output.end(read ? "length" : "cancelled");
  } else if (plan.search) {
    TS_CHECK(run.search(logits, *decoder, output, generation));
  } else {
    std::mt19937_64 random(options.seed);
    DecodeContext context = run.context(*run.session, run.chain, random, generation);
    TS_CHECK(continueText(logits, *decoder, context, output, stop));
  }
  if (!plan.search) {
    generation.engaged.merge(run.session->engaged());
    generation.memory = run.session->memory();
  }
  generation.memory.draft = decoder->bytes();
  return generation;
}

}  // namespace ts
