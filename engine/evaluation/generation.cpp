// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/generation.h"

#include <algorithm>
#include <cmath>

#include "engine/decoding/decoder.h"
#include "engine/evaluation/items.h"
#include "engine/evaluation/statistics.h"
#include "engine/formats/tokenizer.h"

namespace ts {

namespace {

/// Drafts are loaded once an evaluation, not once an item.
auto sharedLoader(ThreadPool& pool) {
  auto models = std::make_shared<std::map<std::string, std::shared_ptr<const Model>>>();
  return [models, &pool](const std::string& source) -> Result<std::shared_ptr<const Model>> {
    auto& model = (*models)[source];
    if (!model) {
      TS_TRY(model, loadModel(source, pool));
    }
    return model;
  };
}

std::string_view cutAt(std::string_view text, const std::vector<std::string>& until) {
  for (const std::string& mark : until) text = text.substr(0, text.find(mark));
  return text;
}

struct Answer {
  std::string text;
  std::int64_t tokens = 0;
  std::map<std::string, double> engaged;
};

bool complete(const Sample& s, bool lockstep) {
  for (const char* name : {"correct", "tokens"})
    if (!s.values.contains(name) || (lockstep && !s.values.contains(std::string("dense.") + name))) return false;
  return true;
}

/// What one model's answers come to.
struct Totals {
  Moments correct, tokens;
  double product = 0;  // sum of correct * tokens
  void add(const std::map<std::string, double>& values) {
    const double c = values.at("correct"), t = values.at("tokens");
    correct.add(c);
    tokens.add(t);
    product += c * t;
  }
  Metric e3() const {
    const double n = static_cast<double>(correct.count()), a = 100 * correct.mean(), t = tokens.mean();
    if (!(t > 0)) return {0, 0, correct.count()};
    // Delta method on both means, whose covariance is known item by item.
    const double da = 2 * a / t, dt = -a * a / (t * t);
    const double covariance = n > 1 ? 100 * (product / n - correct.mean() * t) / (n - 1) : 0;
    const double errorA = 100 * correct.standardError(), errorT = tokens.standardError();
    const double variance = da * da * errorA * errorA + dt * dt * errorT * errorT + 2 * da * dt * covariance;
    return {a * a / t, std::sqrt(std::max(0.0, variance)), correct.count()};
  }
  void write(std::map<std::string, Metric>& metrics) const {
    metrics["acc"] = {correct.mean(), correct.standardError(), correct.count()};
    metrics["tokens_per_item"] = {tokens.mean(), tokens.standardError(), tokens.count()};
    metrics["e3"] = e3();
  }
};

}  // namespace

Result<std::vector<int>> promptIds(const TaskRun& run, std::string_view text) {
  if (!run.prepared->tokenizer) return fail("the model has no tokenizer, so it cannot be asked anything", run.prepared->config.name);
  return run.prepared->tokenizer->encode(text);
}

std::int64_t promptRoom(const TaskRun& run, std::int64_t answerTokens) {
  return std::min(run.options.context, run.prepared->config.contextLength - answerTokens);
}

Result<void> runGeneration(TaskRun& run, std::vector<GenerationItem> items) {
  const auto load = sharedLoader(run.pool);
  Plan plain;
  plain.threads = run.plan.threads;
  ItemWalk walk;
  std::vector<const GenerationItem*> asked;
  for (const GenerationItem& item : items) {
    if (item.tokens < 1) {
      run.result.skipped.push_back({item.number, "its prompt of " + std::to_string(item.prompt.size()) + " tokens leaves no room for an answer in the model's context of " +
                                                     std::to_string(run.prepared->config.contextLength)});
      continue;
    }
    asked.push_back(&item);
    walk.items.push_back(item.number);
  }
  Totals plan, dense;
  Moments difference;
  walk.whole = [&](const Sample& s) { return complete(s, run.dense != nullptr); };
  walk.take = [&](const Sample& s) {
    plan.add(s.values);
    if (run.dense) {
      const auto other = denseOf(s).values;
      dense.add(other);
      difference.add(s.values.at("correct") - other.at("correct"));
    }
    return shareError(plan.correct);
  };
  walk.score = [&](std::size_t place) -> Result<Sample> {
    const GenerationItem& item = *asked[place];
    const GenerateOptions options{.tokens = item.tokens, .seed = run.options.seed + static_cast<std::uint64_t>(item.number), .stopAtEnd = true, .load = load};
    const auto ask = [&](const std::shared_ptr<const Model>& model, const Plan& under) -> Result<Answer> {
      // What comes after the answer's end mark is neither waited for nor counted.
      std::stop_source enough;
      const std::stop_callback asked(run.hooks.stop, [&] { enough.request_stop(); });
      Answer answer;
      bool ended = false;
      const TokenSink sink = [&](int, std::string_view text) {
        if (ended) return;
        answer.text += text;
        ++answer.tokens;
        ended = cutAt(answer.text, item.until).size() < answer.text.size();
        if (ended) enough.request_stop();
      };
      TS_TRY(const Generation g, generate(model, under, item.prompt, options, run.pool, sink, enough.get_token()));
      if (g.stopReason == "cancelled" && !ended) return fail(ErrorKind::Cancelled, "the evaluation was cancelled", run.options.task);
      if (!ended) answer.tokens = static_cast<std::int64_t>(g.ids.size()), answer.text = g.text;
      answer.engaged = g.engaged;
      return answer;
    };
    const auto valuesOf = [&](const Answer& a) -> std::map<std::string, double> {
      return {{"correct", item.correct(cutAt(a.text, item.until)) ? 1 : 0}, {"tokens", static_cast<double>(a.tokens)}};
    };
    TS_TRY(const Answer answer, ask(run.prepared, run.plan));
    Sample sample{0, valuesOf(answer), {}};
    sample.values.insert(item.facts.begin(), item.facts.end());
    putEngaged(sample, answer.engaged);
    if (run.dense) {
      TS_TRY(const Answer reference, ask(run.dense, plain));
      putDense(sample, valuesOf(reference));
    }
    return sample;
  };
  TS_CHECK(scoreItems(run, walk));
  plan.write(run.result.metrics);
  if (run.dense) {
    dense.write(run.result.dense);
    run.result.paired["acc"] = {difference.mean(), difference.standardError(), difference.count()};
  }
  return {};
}

}  // namespace ts
