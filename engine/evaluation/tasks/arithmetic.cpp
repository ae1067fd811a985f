// SPDX-License-Identifier: GPL-3.0-or-later
// Sums, differences and products in words (the kinds of GPT-3's arithmetic tests, arXiv 2005.14165), after three fixed examples;
// the answer must be the number and nothing else. Data: resources/tasks/make_arithmetic.py.
#include <algorithm>

#include "engine/evaluation/generation.h"

namespace ts {
namespace {

constexpr std::string_view kExamples =
    "Question: What is 5 plus 3?\nAnswer: 8\n\nQuestion: What is 31 minus 14?\nAnswer: 17\n\nQuestion: What is 7 times 6?\nAnswer: 42\n\n";

/// An answer as it is compared: without spaces around, thousands' commas and a closing dot.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ',') out += c;
  const std::size_t begin = out.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  out = out.substr(begin, out.find_last_not_of(" \t\r\n") - begin + 1);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

Result<void> run(TaskRun& run) {
  constexpr std::int64_t kTokens = 16;
  std::vector<GenerationItem> items;
  TS_CHECK(eachJsonLine(run.data, run.options.limit, [&](std::int64_t number, const nlohmann::json& line) -> Result<void> {
    const auto question = line.find("question"), answer = line.find("answer");
    if (question == line.end() || !question->is_string() || answer == line.end() || !answer->is_string())
      return fail("the texts \"question\" and \"answer\" are needed");
    GenerationItem item{.number = number};
    TS_TRY(item.prompt, promptIds(run, std::string(kExamples) + "Question: " + question->get<std::string>() + "\nAnswer:"));
    item.tokens = std::min(kTokens, run.prepared->config.contextLength - static_cast<std::int64_t>(item.prompt.size()));
    item.until = {"\n", "</s>", "<|im_end|>"};
    item.correct = [expected = plain(answer->get<std::string>())](std::string_view text) { return plain(text) == expected; };
    items.push_back(std::move(item));
    return {};
  }));
  return runGeneration(run, std::move(items));
}

const TaskRegistration arithmetic({
    .name = "arithmetic",
    .title = "Arithmetic",
    .help = "sums, differences and products of up to five digits after three examples; the generated answer must match exactly",
    .data = "arithmetic.jsonl.xz",
    .form = "JSON lines of \"question\", \"answer\"",
    .metrics = {"acc", "tokens_per_item", "e3"},
    .higherIsBetter = true,
    .generates = true,
    .run = run,
});

}  // namespace
}  // namespace ts
