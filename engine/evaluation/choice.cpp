// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/choice.h"

#include <algorithm>

#include "engine/evaluation/items.h"
#include "engine/evaluation/scorer.h"

namespace ts {
using nlohmann::json;

namespace {

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// What one model makes of an item.
struct Answer {
  std::vector<double> likelihoods;
  bool greedy = true;  // of the first choice
};

std::map<std::string, double> valuesOf(const ChoiceItem& item, const Answer& answer) {
  std::map<std::string, double> values;
  const auto& ll = answer.likelihoods;
  for (std::size_t c = 0; c < ll.size(); ++c) values["ll" + std::to_string(c)] = ll[c];
  if (ll.size() == 1) {
    values["correct"] = answer.greedy ? 1 : 0;
    return values;
  }
  std::vector<double> normal;
  for (std::size_t c = 0; c < ll.size(); ++c) normal.push_back(ll[c] / static_cast<double>(std::max<std::int64_t>(characters(item.choices[c]), 1)));
  const auto best = std::max_element(ll.begin(), ll.end()) - ll.begin();
  const auto bestNormal = std::max_element(normal.begin(), normal.end()) - normal.begin();
  values["gold"] = item.gold;
  values["answer"] = static_cast<double>(best);
  values["correct"] = best == item.gold ? 1 : 0;
  values["answer_norm"] = static_cast<double>(bestNormal);
  values["correct_norm"] = bestNormal == item.gold ? 1 : 0;
  return values;
}

bool complete(const Sample& s, bool lockstep) {
  const auto has = [&](const char* name) { return s.values.contains(name); };
  if (!has("correct") || !has("ll0")) return false;
  return !lockstep || (has("dense.correct") && has("dense.ll0") && !s.positions.empty());
}

/// One model's sums over items.
struct Totals {
  Moments correct, normal, nll;
  void add(const std::map<std::string, double>& values) {
    correct.add(values.at("correct"));
    if (const auto n = values.find("correct_norm"); n != values.end())
      normal.add(n->second);
    else
      nll.add(-values.at("ll0"));
  }
  void write(std::map<std::string, Metric>& metrics) const {
    metrics["acc"] = {correct.mean(), correct.standardError(), correct.count()};
    if (normal.count() > 0) metrics["acc_norm"] = {normal.mean(), normal.standardError(), normal.count()};
    if (nll.count() > 0) metrics["perplexity"] = perplexity(nll);
  }
};

struct Sums {
  Totals plan, dense;
  Moments correct, normal;  // plan minus dense
  KlAccumulator divergence;

  double take(const Sample& sample, bool byNorm) {
    plan.add(sample.values);
    for (const TokenScore& s : sample.positions) divergence.add(s);
    if (!sample.positions.empty()) {
      const auto other = denseOf(sample).values;
      dense.add(other);
      correct.add(sample.values.at("correct") - other.at("correct"));
      if (const auto n = sample.values.find("correct_norm"); n != sample.values.end()) normal.add(n->second - other.at("correct_norm"));
    }
    return shareError(byNorm && plan.normal.count() > 0 ? plan.normal : plan.correct);
  }

  void write(EvaluationResult& result) const {
    plan.write(result.metrics);
    if (divergence.count() == 0) return;
    result.kl = divergence.finish();
    dense.write(result.dense);
    result.paired["acc"] = {correct.mean(), correct.standardError(), correct.count()};
    if (normal.count() > 0) result.paired["acc_norm"] = {normal.mean(), normal.standardError(), normal.count()};
  }
};

// Scores all choices; what their token sequences share (but for the last token of the context) is run once.
Result<void> answer(Scorer& scorer, const std::vector<EncodedPair>& pairs, const std::stop_token& stop, Answer& plan, Answer& dense,
                    std::vector<TokenScore>& all, EngagedTotals& engaged) {
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
      engaged.add(branch.session().engaged());
    } else {
      TS_CHECK(scorer.score(rest, pairs[c].first - shared, scores, stop));
      engaged.add(scorer.session().engaged());
    }
    double sum = 0, denseSum = 0;
    for (const TokenScore& s : scores) {
      sum -= s.nll;
      denseSum -= s.denseNll;
      plan.greedy &= c > 0 || s.top;
      dense.greedy &= c > 0 || s.denseTop;
    }
    all.insert(all.end(), scores.begin(), scores.end());
    plan.likelihoods.push_back(sum);
    dense.likelihoods.push_back(denseSum);
  }
  return {};
}

struct Question {
  std::int64_t number = 0;  // in the data
  std::string group;
  ChoiceItem item;
  std::vector<EncodedPair> pairs;
};

/// The first of every group, then the second of every group, and so on.
void deal(std::vector<Question>& questions) {
  std::map<std::string, std::int64_t> seen;
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = 0; i < questions.size(); ++i) order.emplace_back(seen[questions[i].group]++, i);
  std::sort(order.begin(), order.end());
  std::vector<Question> dealt;
  for (const auto& [round, i] : order) dealt.push_back(std::move(questions[i]));
  questions = std::move(dealt);
}

/// Reads the first `limit` items, evenly over the groups if there are any.
Result<std::vector<Question>> readQuestions(const TaskRun& run, const ReadChoice& read, const GroupOf& groupOf) {
  std::vector<Question> questions;
  TS_CHECK(eachJsonLine(run.data, groupOf ? 0 : run.options.limit, [&](std::int64_t number, const json& line) -> Result<void> {
    TS_TRY(ChoiceItem item, read(line));
    questions.push_back({number, groupOf ? groupOf(line) : "", std::move(item), {}});
    return {};
  }));
  if (groupOf) {
    deal(questions);
    if (run.options.limit > 0 && questions.size() > static_cast<std::size_t>(run.options.limit)) questions.resize(static_cast<std::size_t>(run.options.limit));
  }
  if (questions.empty()) return fail("the file has no items", run.data.where);
  return questions;
}

/// Fills in the pairs. As the harness: what is too long loses its beginning (false: an answer alone is longer than that).
bool encode(Question& question, const Tokenizer& tokenizer, bool addSpecial, std::int64_t longest, double& cut) {
  for (std::size_t c = 0; c < question.item.choices.size(); ++c) {
    EncodedPair pair = encodePair(tokenizer, question.item.context(c), " " + question.item.choices[c], addSpecial);
    if (const auto excess = static_cast<std::int64_t>(pair.tokens.size()) - (longest + 1); longest > 0 && excess > 0) {
      if (excess > pair.first - 1) return false;
      pair.tokens.erase(pair.tokens.begin(), pair.tokens.begin() + excess);
      pair.first -= excess;
      ++cut;
    }
    question.pairs.push_back(std::move(pair));
  }
  return true;
}

}  // namespace

Result<void> runChoices(TaskRun& run, const ReadChoice& read, const GroupOf& groupOf) {
  const Tokenizer* tokenizer = run.prepared->tokenizer.get();
  if (!tokenizer) return fail("the model has no tokenizer, so no text can be scored", run.prepared->config.name);
  const bool addSpecial = run.prepared->config.architecture.starts_with("gemma");
  TS_TRY(std::vector<Question> questions, readQuestions(run, read, groupOf));

  // Everything is encoded first: the longest request tells how far the sessions will reach.
  const std::int64_t longest = run.prepared->config.contextLength;
  std::int64_t reach = 0;
  double cut = 0;
  ItemWalk walk;
  std::vector<const Question*> asked;
  for (Question& question : questions) {
    if (run.hooks.stop.stop_requested()) return fail(ErrorKind::Cancelled, "the evaluation was cancelled", run.options.task);
    if (!encode(question, *tokenizer, addSpecial, longest, cut)) {
      run.result.skipped.push_back({question.number, "an answer alone is longer than the model's context of " + std::to_string(longest) + " tokens"});
      continue;
    }
    for (const EncodedPair& pair : question.pairs) reach = std::max(reach, static_cast<std::int64_t>(pair.tokens.size()));
    asked.push_back(&question);
    walk.items.push_back(question.number);
  }
  TS_TRY(Scorer scorer, Scorer::open(run, reach));
  const bool byNorm = findTask(run.options.task)->metrics.front() == "acc_norm";
  Sums sums;
  walk.whole = [&](const Sample& s) { return complete(s, scorer.lockstep()); };
  walk.take = [&](const Sample& s) { return sums.take(s, byNorm); };
  walk.score = [&](std::size_t place) -> Result<Sample> {
    Answer plan, dense;
    EngagedTotals engaged;
    Sample sample;
    TS_CHECK(answer(scorer, asked[place]->pairs, run.hooks.stop, plan, dense, sample.positions, engaged));
    sample.values = valuesOf(asked[place]->item, plan);
    putEngaged(sample, engaged.finish());
    if (scorer.lockstep())
      putDense(sample, valuesOf(asked[place]->item, dense));
    else
      sample.positions.clear();
    return sample;
  };
  TS_CHECK(scoreItems(run, walk));
  sums.write(run.result);
  if (cut > 0) run.result.engaged["task.requests_cut"] = cut;
  return {};
}

}  // namespace ts
