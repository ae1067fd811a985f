// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <numeric>

#include "engine/decoding/decoder.h"
#include "engine/evaluation/items.h"
#include "engine/evaluation/statistics.h"
#include "engine/evaluation/task.h"
#include "engine/formats/tokenizer.h"

namespace ts {
namespace {

constexpr std::int64_t kDefaultItems = 20, kContinuation = 64;

/// How long the plan's text stays the dense model's greedy text: both continue the same passages.
Result<void> run(TaskRun& run) {
  if (!run.dense) return fail(ErrorKind::Refused, "agreement compares with the dense model: ask for it (--against dense)", "--task agreement");
  if (!run.prepared->tokenizer) return fail("the model has no tokenizer, so no text can be continued", run.prepared->config.name);
  const std::vector<int> ids = run.prepared->tokenizer->encode(run.data.bytes);
  const std::int64_t length = std::min(run.options.context / 2, run.prepared->config.contextLength - kContinuation);
  const auto passages = length > 0 ? static_cast<std::int64_t>(ids.size()) / length : 0;
  if (passages < 1) return fail("the text has " + std::to_string(ids.size()) + " tokens; passages of " + std::to_string(length) + " are needed", run.data.where);
  const std::int64_t count = std::min(passages, run.options.limit > 0 ? run.options.limit : kDefaultItems);
  Moments share, prefix;
  ItemWalk walk;
  walk.items.resize(static_cast<std::size_t>(count));
  std::iota(walk.items.begin(), walk.items.end(), 0);
  walk.whole = [](const Sample& s) { return s.values.contains("agreement") && s.values.contains("common_prefix"); };
  walk.take = [&](const Sample& s) {
    share.add(s.values.at("agreement"));
    prefix.add(s.values.at("common_prefix"));
    return share.standardError();
  };
  walk.score = [&](std::size_t place) -> Result<Sample> {
    const auto begin = static_cast<std::size_t>(passages / count * static_cast<std::int64_t>(place) * length);
    const auto passage = std::span(ids).subspan(begin, static_cast<std::size_t>(length));
    const GenerateOptions options{.tokens = kContinuation, .seed = run.options.seed, .stopAtEnd = false};
    TS_TRY(const Generation dense, generate(run.dense, {}, passage, options, run.pool, {}, run.hooks.stop));
    TS_TRY(const Generation plan, generate(run.prepared, run.plan, passage, options, run.pool, {}, run.hooks.stop));
    if (dense.stopReason == "cancelled" || plan.stopReason == "cancelled") return fail(ErrorKind::Cancelled, "the evaluation was cancelled", "agreement");
    const std::size_t n = std::min(dense.ids.size(), plan.ids.size());
    std::size_t same = 0, first = n;
    for (std::size_t t = 0; t < n; ++t) {
      same += dense.ids[t] == plan.ids[t];
      if (dense.ids[t] != plan.ids[t]) first = std::min(first, t);
    }
    Sample sample{0, {{"agreement", static_cast<double>(same) / static_cast<double>(std::max<std::size_t>(n, 1))}, {"common_prefix", static_cast<double>(first)}}, {}};
    putEngaged(sample, plan.engaged);
    return sample;
  };
  TS_CHECK(scoreItems(run, walk));
  run.result.metrics["agreement"] = {share.mean(), share.standardError(), share.count()};
  run.result.metrics["common_prefix"] = {prefix.mean(), prefix.standardError(), prefix.count()};
  return {};
}

const TaskRegistration agreement({
    .name = "agreement",
    .title = "Continuation agreement",
    .help = "how much of 64 generated tokens equals the dense model's greedy continuation of the same passage",
    .data = "wikitext-2-raw.test.txt.xz",
    .form = "plain text in UTF-8",
    .metrics = {"agreement", "common_prefix"},
    .higherIsBetter = true,
    .generates = true,
    .itemsDepend = true,
    .run = run,
});

}  // namespace
}  // namespace ts
