// SPDX-License-Identifier: GPL-3.0-or-later
// Information Capacity (TeleAI, arXiv 2511.08066): (mean text bits of a token - mean bits the model needs for it + b) / log2 of
// the FLOPs of a decoded token, over samples of 1024 tokens. Definition checked against the authors' calc_ic.py and flops.py:
// every token but a sample's first counts; text bits are averaged over samples; FLOPs follow from the configuration, attention
// averaged over positions 0 to 1023, a gated MLP 6 d f, an ungated one 4 d f; b = -27 for any text but the authors' own sets.
// Quantization and cache strategies move the numerator only, so what they save stands beside it: gained bits for a byte that
// decoding reads and for a millisecond it takes, from decoding 32 tokens in the middle of each sample.
#include <array>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>

#include "engine/evaluation/items.h"
#include "engine/evaluation/scorer.h"
#include "engine/formats/tokenizer.h"

namespace ts {
namespace {

constexpr std::int64_t kSample = 1024, kDecoded = 32;
constexpr double kBias = -27;

/// Pruned layers count what is left of them.
double flopsPerToken(const ModelConfig& c, std::int64_t length) {
  const double d = c.hidden, perHead = std::floor(d / c.heads);
  double flops = 2 * d * c.vocabulary;
  for (const LayerConfig& layer : c.layers) {
    const double queries = perHead * c.headsOf(layer), keys = perHead * c.kvHeadsOf(layer);
    const double projections = 4 * d * queries + 4 * d * keys, mlp = (c.gatedMlp ? 6 : 4) * d * c.intermediateOf(layer);
    flops += projections + mlp + 4 * queries * static_cast<double>(length - 1) / 2;
  }
  return flops;
}

/// The texts of samples: each JSON line's "text", or the whole as one.
Result<std::vector<std::vector<int>>> samplesOf(const TaskRun& run, std::int64_t length) {
  const Tokenizer& tokenizer = *run.prepared->tokenizer;
  std::vector<std::vector<int>> samples;
  const auto most = static_cast<std::size_t>(length);
  if (const std::size_t first = run.data.bytes.find_first_not_of(" \t\r\n"); first != std::string::npos && run.data.bytes[first] == '{') {
    TS_CHECK(eachJsonLine(run.data, run.options.limit, [&](std::int64_t, const nlohmann::json& line) -> Result<void> {
      const auto text = line.find("text");
      if (text == line.end() || !text->is_string()) return fail("a text \"text\" is missing");
      std::vector<int> ids = tokenizer.encode(text->get<std::string>());
      if (ids.size() > most) ids.resize(most);
      samples.push_back(std::move(ids));
      return {};
    }));
    return samples;
  }
  const std::vector<int> ids = tokenizer.encode(run.data.bytes);
  for (std::size_t at = 0; at + most <= ids.size() && (run.options.limit <= 0 || samples.size() < static_cast<std::size_t>(run.options.limit)); at += most) {
    samples.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(at), ids.begin() + static_cast<std::ptrdiff_t>(at + most));
    if (tokenizer.addsBos()) samples.back()[0] = tokenizer.bos();
  }
  return samples;
}

struct Sums {
  Moments nll, text, gained, bytesRead, milliseconds;
  KlAccumulator divergence;
  double flops = 0;

  double capacity(double gain) const { return (gain + kBias) / std::log2(flops); }
  double gain() const { return text.mean() - nll.mean() / std::numbers::ln2; }

  double take(const Sample& s) {
    const double tokens = s.values.at("tokens"), bits = 8 * s.values.at("bytes") / tokens;
    nll.add(s.values.at("nll"), s.values.at("nll2"), static_cast<std::int64_t>(tokens));
    text.add(bits);
    gained.add(bits - s.values.at("nll") / tokens / std::numbers::ln2);
    if (s.values.at("bytes_read") > 0) bytesRead.add(s.values.at("bytes_read"));
    if (s.values.at("ms") > 0) milliseconds.add(s.values.at("ms"));
    for (const TokenScore& p : s.positions) divergence.add(p);
    return gained.standardError() / std::log2(flops);
  }

  void write(EvaluationResult& result) const {
    const auto n = gained.count();
    const double error = gained.standardError();
    result.metrics["information_capacity"] = {capacity(gain()), error / std::log2(flops), n};
    result.metrics["gained_bits_per_token"] = {gain(), error, n};
    result.metrics["text_bits_per_token"] = {text.mean(), text.standardError(), n};
    result.metrics["flops_per_token"] = {flops, 0, n};
    if (bytesRead.mean() > 0) result.metrics["gained_bits_per_byte_read"] = {gain() / bytesRead.mean(), error / bytesRead.mean(), n};
    if (milliseconds.mean() > 0) result.metrics["gained_bits_per_ms"] = {gain() / milliseconds.mean(), error / milliseconds.mean(), n};
    result.metrics["perplexity"] = perplexity(nll);
    if (divergence.count() > 0) result.kl = divergence.finish();
  }
};

/// Decodes tokens one by one in the middle of the sample: bytes read and milliseconds of one.
Result<void> decodeSome(Session& session, std::span<const int> tokens, const std::stop_token& stop, Sample& sample) {
  const auto count = std::min(kDecoded, static_cast<std::int64_t>(tokens.size()) / 2);
  const std::size_t middle = tokens.size() / 2;
  session.reset();
  TS_CHECK(session.prefill(tokens.first(middle), static_cast<std::int64_t>(middle), {}, stop));
  session.ledger().clear();
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < count; ++i) {
    TS_CHECK(session.decode(DraftTree::chain(tokens.subspan(middle + static_cast<std::size_t>(i), 1))));
    session.commit(std::array{0});
  }
  const double n = static_cast<double>(std::max<std::int64_t>(count, 1));
  sample.values["ms"] = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count() / n;
  sample.values["bytes_read"] = static_cast<double>(session.ledger().total().bytes) / n;
  return {};
}

Result<void> run(TaskRun& run) {
  if (!run.prepared->tokenizer) return fail("the model has no tokenizer, so no text can be scored", run.prepared->config.name);
  const ModelConfig& config = run.prepared->config;
  const std::int64_t length = config.contextLength > 0 ? std::min(kSample, config.contextLength) : kSample;
  if (length < kSample)
    run.result.notes.push_back("samples have " + std::to_string(length) + " tokens, the model's context, where the published protocol has " + std::to_string(kSample));
  run.result.notes.push_back("gained_bits_per_ms was timed while other work may have run; bench measures speed alone on the machine");
  TS_TRY(const std::vector<std::vector<int>> samples, samplesOf(run, length));
  ItemWalk walk;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].size() >= 4)
      walk.items.push_back(static_cast<std::int64_t>(i));
    else
      run.result.skipped.push_back({static_cast<std::int64_t>(i), "fewer than four tokens"});
  }
  TS_TRY(Scorer scorer, Scorer::open(run, length));
  Sums sums;
  sums.flops = flopsPerToken(config, length);
  walk.whole = [&](const Sample& s) {
    for (const char* name : {"nll", "nll2", "tokens", "bytes", "bytes_read", "ms"})
      if (!s.values.contains(name)) return false;
    return !scorer.lockstep() || !s.positions.empty();
  };
  walk.take = [&](const Sample& s) { return sums.take(s); };
  walk.score = [&](std::size_t place) -> Result<Sample> {
    const std::vector<int>& tokens = samples[static_cast<std::size_t>(walk.items[place])];
    std::vector<TokenScore> scores;
    scorer.reset();
    TS_CHECK(scorer.score(tokens, 1, scores, run.hooks.stop));
    Sample sample;
    putEngaged(sample, scorer.session().engaged());
    double sum = 0, squares = 0;
    for (const TokenScore& s : scores) sum += s.nll, squares += s.nll * s.nll;
    const auto bytes = static_cast<double>(run.prepared->tokenizer->decode(std::span(tokens).subspan(1), false).size());
    sample.values.insert({{"nll", sum}, {"nll2", squares}, {"tokens", static_cast<double>(scores.size())}, {"bytes", bytes}});
    TS_CHECK(decodeSome(scorer.session(), tokens, run.hooks.stop, sample));
    if (scorer.lockstep()) sample.positions = std::move(scores);
    return sample;
  };
  TS_CHECK(scoreItems(run, walk));
  sums.write(run.result);
  return {};
}

const TaskRegistration informationCapacity({
    .name = "information-capacity",
    .title = "Information Capacity",
    .help = "text compression per log of compute (arXiv 2511.08066), and the bits gained per byte read and per millisecond",
    .data = "wikitext-2-raw.test.txt.xz",
    .form = "plain text in UTF-8, or JSON lines of \"text\"",
    .metrics = {"information_capacity", "gained_bits_per_byte_read", "gained_bits_per_ms"},
    .higherIsBetter = true,
    .run = run,
});

}  // namespace
}  // namespace ts
