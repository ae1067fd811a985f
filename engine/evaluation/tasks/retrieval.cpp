// SPDX-License-Identifier: GPL-3.0-or-later
// Needles for cache strategies, of any length: made from the seed, so they need no data.
#include <cstdio>
#include <random>

#include "engine/evaluation/generation.h"

namespace ts {
namespace {

constexpr std::int64_t kDefaultItems = 25;
constexpr std::int64_t kAnswerTokens = 24;

std::int64_t itemCount(const TaskRun& run) { return run.options.limit > 0 ? run.options.limit : kDefaultItems; }

/// The longest prompt make(n) that fits the room, by doubling and halving n; make(n) grows with n.
Result<std::vector<int>> fill(const TaskRun& run, const std::function<std::string(std::int64_t)>& make, std::int64_t& n) {
  const std::int64_t room = promptRoom(run, kAnswerTokens);
  std::int64_t fits = 0, over = 1;
  std::vector<int> best;
  while (true) {
    TS_TRY(std::vector<int> ids, promptIds(run, make(over)));
    if (static_cast<std::int64_t>(ids.size()) > room) break;
    best = std::move(ids);
    fits = over;
    over *= 2;
  }
  if (fits == 0) return fail("a context of " + std::to_string(room) + " tokens is too short for this task", "--context");
  while (over - fits > 1) {
    const std::int64_t middle = (fits + over) / 2;
    TS_TRY(std::vector<int> ids, promptIds(run, make(middle)));
    if (static_cast<std::int64_t>(ids.size()) > room) {
      over = middle;
    } else {
      fits = middle;
      best = std::move(ids);
    }
  }
  n = fits;
  return best;
}

/// Passkey retrieval (Mohtashami and Jaggi 2023, arXiv 2305.16300): five digits hidden in repeated sentences, at depths
/// spread evenly from the start to the end.
Result<void> runPasskey(TaskRun& run) {
  std::mt19937_64 random(run.options.seed);
  const std::string filler = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
  const std::int64_t count = itemCount(run);
  std::vector<GenerationItem> items;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string key = std::to_string(10000 + random() % 90000);
    const double depth = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.5;
    const auto make = [&](std::int64_t n) {
      std::string text = "There is an important info hidden inside a lot of irrelevant text. Find it and memorize it.\n";
      const auto before = static_cast<std::int64_t>(depth * static_cast<double>(n) + 0.5);
      for (std::int64_t k = 0; k <= n; ++k) {
        if (k == before) text += "The pass key is " + key + ". Remember it. " + key + " is the pass key.\n";
        if (k < n) text += filler + "\n";
      }
      return text + "What is the pass key? The pass key is";
    };
    GenerationItem item{.number = i};
    std::int64_t n = 0;
    TS_TRY(item.prompt, fill(run, make, n));
    item.tokens = 12;
    item.correct = [key](std::string_view text) { return text.find(key) != std::string_view::npos; };
    item.facts = {{"depth", depth}, {"length", static_cast<double>(item.prompt.size())}};
    items.push_back(std::move(item));
  }
  return runGeneration(run, std::move(items));
}

/// Key/value retrieval (Liu et al. 2023, "Lost in the Middle", arXiv 2307.03172): a JSON object of random keys and values;
/// the asked key's place moves from the first to the last. Keys of eight hexadecimal digits, so that short contexts hold some.
Result<void> runKeyValue(TaskRun& run) {
  std::mt19937_64 random(run.options.seed);
  const std::int64_t count = itemCount(run);
  std::vector<GenerationItem> items;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = random();
    const double depth = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.5;
    std::string asked, answer;
    const auto make = [&](std::int64_t n) {
      std::mt19937_64 pairs(seed);
      const auto place = static_cast<std::int64_t>(depth * static_cast<double>(n - 1) + 0.5);
      std::string text = "Extract the value corresponding to the specified key in the JSON object below.\n\nJSON data:\n{";
      for (std::int64_t k = 0; k < n; ++k) {
        char key[9], value[9];
        std::snprintf(key, sizeof key, "%08x", static_cast<unsigned>(pairs()));
        std::snprintf(value, sizeof value, "%08x", static_cast<unsigned>(pairs()));
        text += std::string(k > 0 ? ",\n " : "") + "\"" + key + "\": \"" + value + "\"";
        if (k == place) asked = key, answer = value;
      }
      return text + "}\n\nKey: \"" + asked + "\"\nCorresponding value:";
    };
    GenerationItem item{.number = i};
    std::int64_t n = 0;
    TS_TRY(item.prompt, fill(run, make, n));
    make(n);  // the search for n ended elsewhere
    item.tokens = kAnswerTokens;
    item.until = {"\n"};
    item.correct = [answer](std::string_view text) { return text.find(answer) != std::string_view::npos; };
    item.facts = {{"depth", depth}, {"length", static_cast<double>(item.prompt.size())}, {"pairs", static_cast<double>(n)}};
    items.push_back(std::move(item));
  }
  return runGeneration(run, std::move(items));
}

Task made(std::string name, std::string title, std::string help, std::function<Result<void>(TaskRun&)> run) {
  return {.name = std::move(name), .title = std::move(title), .help = std::move(help), .data = "", .form = "", .metrics = {"acc"},
          .higherIsBetter = true, .generates = true, .itemsDepend = true, .revision = 2, .run = std::move(run)};
}

const TaskRegistration passkey(made("passkey", "Passkey retrieval", "five digits hidden in --context tokens of filler, at even depths", runPasskey));
const TaskRegistration keyValue(made("kv_retrieval", "Key/value retrieval", "a value of a JSON object that fills --context tokens, at even places", runKeyValue));

}  // namespace
}  // namespace ts
