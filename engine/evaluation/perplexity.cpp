// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/evaluation/scorer.h"
#include "engine/formats/tokenizer.h"

namespace ts {

namespace {

struct Window {
  std::int64_t begin = 0, end = 0;  // tokens of the text
  std::int64_t first = 0;           // first target, counted from begin
};

std::vector<Window> windowsOf(std::int64_t tokens, std::int64_t context, PerplexityProtocol protocol) {
  std::vector<Window> out;
  if (protocol == PerplexityProtocol::Chunks) {
    for (std::int64_t begin = 0; begin + context <= tokens; begin += context) out.push_back({begin, begin + context, context / 2 + 1});
    return out;
  }
  std::int64_t scored = 1;  // tokens that count already; the first one never does
  for (std::int64_t begin = 0; scored < tokens; begin += context / 2) {
    const std::int64_t end = std::min(begin + context, tokens);
    out.push_back({begin, end, scored - begin});
    scored = end;
  }
  return out;
}

struct Totals {
  Moments nll, perItem;
  double bytes = 0;
  void add(const std::map<std::string, double>& values) {
    nll.add(values.at("nll"), values.at("nll2"), static_cast<std::int64_t>(values.at("tokens")));
    bytes += values.at("bytes");
  }
  void write(std::map<std::string, Metric>& metrics) const {
    metrics["perplexity"] = perplexity(nll);
    if (bytes <= 0) return;
    const double perByte = static_cast<double>(nll.count()) / (bytes * std::numbers::ln2);
    metrics["bits_per_byte"] = {nll.mean() * perByte, nll.standardError() * perByte, nll.count()};
  }
};

Sample sampleOf(std::int64_t item, const std::vector<TokenScore>& scores, double TokenScore::*nll, double bytes) {
  double sum = 0, squares = 0;
  for (const TokenScore& s : scores) sum += s.*nll, squares += s.*nll * (s.*nll);
  return {item, {{"nll", sum}, {"nll2", squares}, {"tokens", static_cast<double>(scores.size())}, {"bytes", bytes}}};
}

bool complete(const Sample& s) {
  return s.values.contains("nll") && s.values.contains("nll2") && s.values.contains("tokens") && s.values.contains("bytes");
}

}  // namespace

Result<void> runPerplexity(TaskRun& run, PerplexityProtocol protocol) {
  const Tokenizer* tokenizer = run.prepared->tokenizer.get();
  if (!tokenizer) return fail("the model has no tokenizer, so no text can be scored", run.prepared->config.name);
  const std::int64_t context = run.options.context;
  if (context < 8) return fail("a context of " + std::to_string(context) + " tokens is too short: at least 8", "--context");
  std::vector<int> ids = tokenizer->encode(run.data.bytes);
  const std::vector<Window> all = windowsOf(static_cast<std::int64_t>(ids.size()), context, protocol);
  if (all.empty())
    return fail("the text has " + std::to_string(ids.size()) + " tokens; at least " + std::to_string(context) + " (one chunk) are needed", run.data.where);
  const std::size_t count = run.options.limit > 0 ? std::min(all.size(), static_cast<std::size_t>(run.options.limit)) : all.size();

  TS_TRY(Scorer scorer, Scorer::open(run, context));
  Totals totals, denseTotals;
  KlAccumulator divergence;
  Moments difference;
  std::vector<TokenScore> scores;
  for (std::size_t i = 0; i < count; ++i) {
    const auto item = static_cast<std::int64_t>(i);
    const auto known = std::find_if(run.hooks.known.begin(), run.hooks.known.end(), [&](const Sample& s) { return s.item == item && complete(s); });
    if (known != run.hooks.known.end() && !scorer.lockstep()) {
      totals.add(known->values);
      run.result.samples.push_back(*known);
      run.hooks.progress(item + 1, static_cast<std::int64_t>(count));
      continue;
    }
    const Window& w = all[i];
    std::vector<int> tokens(ids.begin() + w.begin, ids.begin() + w.end);
    if (protocol == PerplexityProtocol::Chunks && tokenizer->addsBos()) tokens[0] = tokenizer->bos();
    scores.clear();
    scorer.reset();
    TS_CHECK(scorer.score(tokens, w.first, scores, run.hooks.stop));
    const auto bytes = static_cast<double>(tokenizer->decode(std::span(tokens).subspan(static_cast<std::size_t>(w.first)), false).size());
    run.result.samples.push_back(sampleOf(item, scores, &TokenScore::nll, bytes));
    totals.add(run.result.samples.back().values);
    if (scorer.lockstep()) {
      run.result.denseSamples.push_back(sampleOf(item, scores, &TokenScore::denseNll, bytes));
      denseTotals.add(run.result.denseSamples.back().values);
      for (const TokenScore& s : scores) {
        divergence.add(s);
        difference.add(s.nll - s.denseNll);
      }
    }
    run.hooks.sample(run.result.samples.back());
    run.hooks.progress(item + 1, static_cast<std::int64_t>(count));
  }
  totals.write(run.result.metrics);
  for (const auto& [name, value] : scorer.session().engaged()) run.result.engaged[name] = value;
  if (scorer.lockstep()) {
    run.result.kl = divergence.finish();
    denseTotals.write(run.result.dense);
    // The difference of perplexities by the delta method on the paired difference of the logarithms.
    const double base = run.result.dense["perplexity"].value, here = run.result.metrics["perplexity"].value;
    run.result.paired["perplexity"] = {here - base, here * difference.standardError(), difference.count()};
    const double perByte = static_cast<double>(totals.nll.count()) / (totals.bytes * std::numbers::ln2);
    run.result.paired["bits_per_byte"] = {difference.mean() * perByte, difference.standardError() * perByte, difference.count()};
  }
  return {};
}

}  // namespace ts
