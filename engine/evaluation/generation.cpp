// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/generation.h"

#include <algorithm>

#include "engine/decoding/decoder.h"
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

Metric accuracy(const std::vector<Sample>& samples) {
  Moments correct;
  for (const Sample& s : samples) correct.add(s.values.at("correct"));
  return {correct.mean(), correct.standardError(), correct.count()};
}

}  // namespace

Result<std::vector<int>> promptIds(const TaskRun& run, std::string_view text) {
  if (!run.prepared->tokenizer) return fail("the model has no tokenizer, so it cannot be asked anything", run.prepared->config.name);
  return run.prepared->tokenizer->encode(text);
}

std::int64_t promptRoom(const TaskRun& run, std::int64_t answerTokens) {
  return std::min(run.options.context, run.prepared->config.contextLength - answerTokens);
}

Result<void> runGeneration(TaskRun& run, std::vector<GenerationItem> items) {
  if (items.empty()) return fail("there is no item to ask", run.options.task);
  const auto load = sharedLoader(run.pool);
  Moments lengths, difference;
  Plan plain;
  plain.threads = run.plan.threads;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const auto total = static_cast<std::int64_t>(items.size());
    const GenerationItem& item = items[i];
    const auto known = std::find_if(run.hooks.known.begin(), run.hooks.known.end(),
                                    [&](const Sample& s) { return s.item == index && s.values.contains("correct") && s.values.contains("tokens"); });
    if (known != run.hooks.known.end() && !run.dense) {
      run.result.samples.push_back(*known);
      lengths.add(known->values.at("tokens"));
      run.hooks.progress(index + 1, total);
      continue;
    }
    const GenerateOptions options{.tokens = item.tokens, .seed = run.options.seed + i, .stopAtEnd = true, .load = load};
    const auto ask = [&](const std::shared_ptr<const Model>& model, const Plan& plan) -> Result<Sample> {
      TS_TRY(const Generation g, generate(model, plan, item.prompt, options, run.pool, {}, run.hooks.stop));
      if (g.stopReason == "cancelled") return fail(ErrorKind::Cancelled, "the evaluation was cancelled", run.options.task);
      Sample sample{index, item.facts};
      sample.values["correct"] = item.correct(cutAt(g.text, item.until)) ? 1 : 0;
      sample.values["tokens"] = static_cast<double>(g.ids.size());
      if (&plan == &run.plan)
        for (const auto& [name, value] : g.engaged) run.result.engaged[name] += value;
      return sample;
    };
    TS_TRY(Sample sample, ask(run.prepared, run.plan));
    lengths.add(sample.values.at("tokens"));
    if (run.dense) {
      TS_TRY(Sample dense, ask(run.dense, plain));
      difference.add(sample.values.at("correct") - dense.values.at("correct"));
      run.result.denseSamples.push_back(std::move(dense));
    }
    run.result.samples.push_back(std::move(sample));
    run.hooks.sample(run.result.samples.back());
    run.hooks.progress(index + 1, total);
  }
  run.result.metrics["acc"] = accuracy(run.result.samples);
  run.result.metrics["tokens_per_item"] = {lengths.mean(), lengths.standardError(), lengths.count()};
  if (run.dense) {
    run.result.dense["acc"] = accuracy(run.result.denseSamples);
    run.result.paired["acc"] = {difference.mean(), difference.standardError(), difference.count()};
  }
  return {};
}

}  // namespace ts
