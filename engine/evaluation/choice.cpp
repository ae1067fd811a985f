// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/choice.h"

#include <algorithm>
#include <cmath>

#include "engine/evaluation/scorer.h"

namespace ts {
using nlohmann::json;

namespace {

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

Result<std::string> text(const json& line, const char* name) {
  const auto it = line.find(name);
  if (it == line.end() || !it->is_string()) return fail(std::string("a text \"") + name + "\" is missing");
  return it->get<std::string>();
}

Result<std::vector<std::string>> texts(const json& line, const char* name) {
  const auto it = line.find(name);
  std::vector<std::string> out;
  if (it != line.end() && it->is_array())
    for (const json& t : *it)
      if (t.is_string()) out.push_back(t.get<std::string>());
  if (out.size() < 2 || out.size() != it->size()) return fail(std::string("\"") + name + "\" must be an array of at least two texts");
  return out;
}

Result<int> gold(const json& line, std::size_t choices) {
  const auto it = line.find("gold");
  if (it == line.end() || !it->is_number_integer() || it->get<std::int64_t>() < 0 || it->get<std::int64_t>() >= static_cast<std::int64_t>(choices))
    return fail("\"gold\" must be the index of the right choice, 0 to " + std::to_string(choices - 1));
  return it->get<int>();
}

// What one model makes of an item.
struct Answer {
  std::vector<double> likelihoods;
  bool greedy = true;  // of the first choice
};

Sample sampleOf(std::int64_t index, const ChoiceItem& item, const Answer& answer) {
  Sample sample{index, {}};
  const auto& ll = answer.likelihoods;
  for (std::size_t c = 0; c < ll.size(); ++c) sample.values["ll" + std::to_string(c)] = ll[c];
  if (ll.size() == 1) {
    sample.values["correct"] = answer.greedy ? 1 : 0;
    return sample;
  }
  std::vector<double> normal;
  for (std::size_t c = 0; c < ll.size(); ++c) normal.push_back(ll[c] / static_cast<double>(std::max<std::int64_t>(characters(item.choices[c]), 1)));
  const auto best = std::max_element(ll.begin(), ll.end()) - ll.begin();
  const auto bestNormal = std::max_element(normal.begin(), normal.end()) - normal.begin();
  sample.values["gold"] = item.gold;
  sample.values["answer"] = static_cast<double>(best);
  sample.values["correct"] = best == item.gold ? 1 : 0;
  sample.values["correct_norm"] = bestNormal == item.gold ? 1 : 0;
  return sample;
}

void writeMetrics(const std::vector<Sample>& samples, std::map<std::string, Metric>& metrics) {
  Moments correct, normal, nll;
  for (const Sample& s : samples) {
    correct.add(s.values.at("correct"));
    if (const auto n = s.values.find("correct_norm"); n != s.values.end())
      normal.add(n->second);
    else
      nll.add(-s.values.at("ll0"));
  }
  metrics["acc"] = {correct.mean(), correct.standardError(), correct.count()};
  if (normal.count() > 0) metrics["acc_norm"] = {normal.mean(), normal.standardError(), normal.count()};
  if (nll.count() > 0) metrics["perplexity"] = perplexity(nll);
}

void writePaired(EvaluationResult& result) {
  for (const auto& [name, key] : {std::pair{"acc", "correct"}, std::pair{"acc_norm", "correct_norm"}}) {
    Moments difference;
    for (std::size_t i = 0; i < result.samples.size(); ++i) {
      const auto a = result.samples[i].values.find(key), b = result.denseSamples[i].values.find(key);
      if (a != result.samples[i].values.end() && b != result.denseSamples[i].values.end()) difference.add(a->second - b->second);
    }
    if (difference.count() > 0) result.paired[name] = {difference.mean(), difference.standardError(), difference.count()};
  }
}

// Scores all choices; what their token sequences share (but for the last token of the context) is run once.
Result<void> answer(Scorer& scorer, const std::vector<EncodedPair>& pairs, const std::stop_token& stop, KlAccumulator& divergence,
                    Answer& plan, Answer& dense) {
  std::int64_t shared = pairs.size() > 1 ? pairs[0].first - 1 : 0;
  for (const EncodedPair& p : pairs) {
    const auto differ = std::mismatch(p.tokens.begin(), p.tokens.end(), pairs[0].tokens.begin(), pairs[0].tokens.end()).first;
    shared = std::min({shared, p.first - 1, static_cast<std::int64_t>(differ - p.tokens.begin())});
  }
  scorer.reset();
  if (shared > 0) TS_CHECK(scorer.append(std::span(pairs[0].tokens).first(static_cast<std::size_t>(shared)), stop));
  std::vector<TokenScore> scores;
  for (std::size_t c = 0; c < pairs.size(); ++c) {
    scores.clear();
    const auto rest = std::span(pairs[c].tokens).subspan(static_cast<std::size_t>(shared));
    if (c + 1 < pairs.size()) {
      Scorer branch = scorer.fork();
      TS_CHECK(branch.score(rest, pairs[c].first - shared, scores, stop));
    } else {
      TS_CHECK(scorer.score(rest, pairs[c].first - shared, scores, stop));
    }
    double sum = 0, denseSum = 0;
    for (const TokenScore& s : scores) {
      sum -= s.nll;
      denseSum -= s.denseNll;
      plan.greedy &= c > 0 || s.top;
      dense.greedy &= c > 0 || s.denseTop;
      if (scorer.lockstep()) divergence.add(s);
    }
    plan.likelihoods.push_back(sum);
    dense.likelihoods.push_back(denseSum);
  }
  return {};
}

}  // namespace

ReadChoice readPlainChoice(std::string suffix) {
  return [suffix = std::move(suffix)](const json& line) -> Result<ChoiceItem> {
    ChoiceItem item;
    if (line.contains("context_options")) {
      TS_TRY(item.contexts, texts(line, "context_options"));
      TS_TRY(const std::string continuation, text(line, "continuation"));
      item.choices.assign(item.contexts.size(), continuation);
      TS_TRY(item.gold, gold(line, item.choices.size()));
    } else if (line.contains("continuation")) {
      item.contexts.resize(1);
      item.choices.resize(1);
      TS_TRY(item.contexts[0], text(line, "context"));
      TS_TRY(item.choices[0], text(line, "continuation"));
    } else {
      item.contexts.resize(1);
      TS_TRY(item.contexts[0], text(line, "query"));
      item.contexts[0] += suffix;
      TS_TRY(item.choices, texts(line, "choices"));
      TS_TRY(item.gold, gold(line, item.choices.size()));
    }
    return item;
  };
}

EncodedPair encodePair(const Tokenizer& tokenizer, std::string context, std::string continuation, bool addSpecial) {
  const std::size_t end = context.find_last_not_of(" \t\n\r\f\v");
  const std::size_t keep = end == std::string::npos ? 0 : end + 1;
  continuation.insert(0, context.substr(keep));
  context.resize(keep);
  const Tokenizer::EncodeOptions options{.addSpecial = addSpecial, .parseSpecial = true};
  EncodedPair pair;
  if (context.empty()) {
    pair.tokens.push_back(tokenizer.bos() >= 0 ? tokenizer.bos() : std::max(tokenizer.eos(), 0));
    pair.first = 1;
    const std::vector<int> rest = tokenizer.encode(continuation, {.addSpecial = false, .parseSpecial = true});
    pair.tokens.insert(pair.tokens.end(), rest.begin(), rest.end());
    return pair;
  }
  pair.first = static_cast<std::int64_t>(tokenizer.encode(context, options).size());
  pair.tokens = tokenizer.encode(context + continuation, options);
  return pair;
}

Result<void> runChoices(TaskRun& run, const ReadChoice& read) {
  const Tokenizer* tokenizer = run.prepared->tokenizer.get();
  if (!tokenizer) return fail("the model has no tokenizer, so no text can be scored", run.prepared->config.name);
  const bool addSpecial = run.prepared->config.architecture.starts_with("gemma");

  std::vector<ChoiceItem> items;
  TS_CHECK(eachJsonLine(run.data, run.options.limit, [&](std::int64_t, const json& line) -> Result<void> {
    TS_TRY(ChoiceItem item, read(line));
    items.push_back(std::move(item));
    return {};
  }));
  if (items.empty()) return fail("the file has no items", run.data.where);

  // Everything is encoded first: the longest request tells how far the sessions will reach.
  const std::int64_t longest = run.prepared->config.contextLength;
  std::int64_t reach = 0;
  double cut = 0;
  std::vector<std::vector<EncodedPair>> encoded;
  for (const ChoiceItem& item : items) {
    auto& pairs = encoded.emplace_back();
    for (std::size_t c = 0; c < item.choices.size(); ++c) {
      EncodedPair pair = encodePair(*tokenizer, item.context(c), " " + item.choices[c], addSpecial);
      // As the harness: what is too long loses its beginning.
      if (const auto excess = static_cast<std::int64_t>(pair.tokens.size()) - (longest + 1); longest > 0 && excess > 0) {
        const std::int64_t drop = std::min(excess, pair.first - 1);
        pair.tokens.erase(pair.tokens.begin(), pair.tokens.begin() + drop);
        pair.first -= drop;
        ++cut;
      }
      reach = std::max(reach, static_cast<std::int64_t>(pair.tokens.size()));
      pairs.push_back(std::move(pair));
    }
    if (run.hooks.stop.stop_requested()) return fail(ErrorKind::Cancelled, "the evaluation was cancelled", run.options.task);
  }
  TS_TRY(Scorer scorer, Scorer::open(run, reach));
  KlAccumulator divergence;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const auto known = std::find_if(run.hooks.known.begin(), run.hooks.known.end(), [&](const Sample& s) { return s.item == index && s.values.contains("correct") && s.values.contains("ll0"); });
    if (known != run.hooks.known.end() && !scorer.lockstep()) {
      run.result.samples.push_back(*known);
      run.hooks.progress(index + 1, static_cast<std::int64_t>(items.size()));
      continue;
    }
    Answer plan, dense;
    TS_CHECK(answer(scorer, encoded[i], run.hooks.stop, divergence, plan, dense));
    run.result.samples.push_back(sampleOf(index, items[i], plan));
    if (scorer.lockstep()) run.result.denseSamples.push_back(sampleOf(index, items[i], dense));
    run.hooks.sample(run.result.samples.back());
    run.hooks.progress(index + 1, static_cast<std::int64_t>(items.size()));
  }
  writeMetrics(run.result.samples, run.result.metrics);
  for (const auto& [name, value] : scorer.session().engaged()) run.result.engaged[name] = value;
  if (cut > 0) run.result.engaged["task.requests_cut"] = cut;
  if (scorer.lockstep()) {
    run.result.kl = divergence.finish();
    writeMetrics(run.result.denseSamples, run.result.dense);
    writePaired(run.result);
  }
  return {};
}

}  // namespace ts
