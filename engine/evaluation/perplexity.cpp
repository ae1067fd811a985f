// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/perplexity.h"

#include <algorithm>
#include <numbers>
#include <numeric>

#include "engine/evaluation/items.h"
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
  Moments nll;
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

std::map<std::string, double> sumsOf(const std::vector<TokenScore>& scores, double TokenScore::*nll, double bytes) {
  double sum = 0, squares = 0;
  for (const TokenScore& s : scores) sum += s.*nll, squares += s.*nll * (s.*nll);
  return {{"nll", sum}, {"nll2", squares}, {"tokens", static_cast<double>(scores.size())}, {"bytes", bytes}};
}

bool complete(const Sample& s, bool lockstep) {
  for (const char* name : {"nll", "nll2", "tokens", "bytes"})
    if (!s.values.contains(name) || (lockstep && !s.values.contains(std::string("dense.") + name))) return false;
  return !lockstep || static_cast<double>(s.positions.size()) == s.values.at("tokens");
}

/// Everything the metrics are made of, from samples alone.
struct Sums {
  Totals plan, dense;
  KlAccumulator divergence;
  Moments difference;

  double take(const Sample& sample) {
    plan.add(sample.values);
    for (const TokenScore& s : sample.positions) {
      divergence.add(s);
      difference.add(s.nll - s.denseNll);
    }
    if (!sample.positions.empty()) dense.add(denseOf(sample).values);
    return perplexity(plan.nll).stderr_;
  }

  void write(EvaluationResult& result) const {
    plan.write(result.metrics);
    if (divergence.count() == 0) return;
    result.kl = divergence.finish();
    dense.write(result.dense);
    // The difference of perplexities by the delta method on the paired difference of the logarithms.
    const double base = result.dense["perplexity"].value, here = result.metrics["perplexity"].value;
    result.paired["perplexity"] = {here - base, here * difference.standardError(), difference.count()};
    const double perByte = static_cast<double>(plan.nll.count()) / (plan.bytes * std::numbers::ln2);
    result.paired["bits_per_byte"] = {difference.mean() * perByte, difference.standardError() * perByte, difference.count()};
  }
};

}  // namespace

Result<void> runPerplexity(TaskRun& run, PerplexityProtocol protocol) {
  const Tokenizer* tokenizer = run.prepared->tokenizer.get();
  if (!tokenizer) return fail("the model has no tokenizer, so no text can be scored", run.prepared->config.name);
  const std::int64_t context = run.options.context;
  if (context < 8) return fail("a context of " + std::to_string(context) + " tokens is too short: at least 8", "--context");
  const std::vector<int> ids = tokenizer->encode(run.data.bytes);
  const std::vector<Window> all = windowsOf(static_cast<std::int64_t>(ids.size()), context, protocol);
  if (all.empty())
    return fail("the text has " + std::to_string(ids.size()) + " tokens; at least " + std::to_string(context) + " (one chunk) are needed", run.data.where);
  const std::size_t count = run.options.limit > 0 ? std::min(all.size(), static_cast<std::size_t>(run.options.limit)) : all.size();

  TS_TRY(Scorer scorer, Scorer::open(run, context));
  const auto bytesOf = [&](std::int64_t begin, std::int64_t end) {
    return static_cast<double>(tokenizer->decode(std::span(ids).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)), false).size());
  };
  double begins = 0;  // byte of the text where the window at `place` begins
  std::size_t place = 0;
  Sums sums;
  ItemWalk walk;
  walk.items.resize(count);
  std::iota(walk.items.begin(), walk.items.end(), 0);
  walk.whole = [&](const Sample& s) { return complete(s, scorer.lockstep()); };
  walk.take = [&](const Sample& s) { return sums.take(s); };
  walk.score = [&](std::size_t i) -> Result<Sample> {
    const Window& w = all[i];
    for (; place < i; ++place) begins += bytesOf(all[place].begin, all[place + 1].begin);
    std::vector<int> tokens(ids.begin() + w.begin, ids.begin() + w.end);
    if (protocol == PerplexityProtocol::Chunks && tokenizer->addsBos()) tokens[0] = tokenizer->bos();
    std::vector<TokenScore> scores;
    scorer.reset();
    TS_CHECK(scorer.score(tokens, w.first, scores, run.hooks.stop));
    const double bytes = bytesOf(w.begin + w.first, w.end);
    Sample sample{0, sumsOf(scores, &TokenScore::nll, bytes), {}};
    sample.values["offset"] = begins + bytesOf(w.begin, w.begin + w.first);
    putEngaged(sample, scorer.session().engaged());
    if (scorer.lockstep()) {
      putDense(sample, sumsOf(scores, &TokenScore::denseNll, bytes));
      sample.positions = std::move(scores);
    }
    return sample;
  };
  TS_CHECK(scoreItems(run, walk));
  sums.write(run.result);
  return {};
}

}  // namespace ts
