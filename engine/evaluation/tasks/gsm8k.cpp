// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cctype>

#include "engine/evaluation/generation.h"

namespace ts {
namespace {

/// The last number of a text without its thousands' commas and trailing dot or zeros after the point ("1,000." is "1000");
/// empty if there is none. What lm-evaluation-harness calls flexible-extract.
std::string lastNumber(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !std::isdigit(static_cast<unsigned char>(text[end - 1]))) --end;
  std::size_t begin = end;
  const auto inside = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == ',' || c == '.'; };
  while (begin > 0 && inside(text[begin - 1])) --begin;
  std::string number;
  if (begin > 0 && text[begin - 1] == '-') number = "-";
  for (const char c : text.substr(begin, end - begin))
    if (c != ',') number += c;
  while (number.starts_with('.')) number.erase(0, 1);
  if (number.find('.') != std::string::npos) {
    while (number.ends_with('0')) number.pop_back();
    if (number.ends_with('.')) number.pop_back();
  }
  return number;
}

Result<void> run(TaskRun& run) {
  constexpr std::int64_t kTokens = 256;
  std::vector<GenerationItem> items;
  TS_CHECK(eachJsonLine(run.data, run.options.limit, [&](std::int64_t number, const nlohmann::json& line) -> Result<void> {
    const auto question = line.find("question"), answer = line.find("answer");
    if (question == line.end() || !question->is_string() || answer == line.end() || !answer->is_string())
      return fail("the texts \"question\" and \"answer\" are needed");
    const std::string expected = lastNumber(answer->get<std::string>());
    if (expected.empty()) return fail("\"answer\" has no number");
    GenerationItem item{.number = number};
    TS_TRY(item.prompt, promptIds(run, "Question: " + question->get<std::string>() + "\nAnswer:"));
    item.tokens = std::min(kTokens, run.prepared->config.contextLength - static_cast<std::int64_t>(item.prompt.size()));
    item.until = {"Question:", "</s>", "<|im_end|>"};
    item.correct = [expected](std::string_view text) {
      // A worked solution names the result after "####"; what a model writes after that does not count.
      if (const std::size_t mark = text.find("####"); mark != std::string_view::npos) text = text.substr(0, std::min(text.find('\n', mark), text.size()));
      return lastNumber(text) == expected;
    };
    items.push_back(std::move(item));
    return {};
  }));
  return runGeneration(run, std::move(items));
}

const TaskRegistration gsm8k({
    .name = "gsm8k",
    .title = "GSM8K",
    .help = "school mathematics in words, without examples; the last number of the generated answer must be right",
    .data = "gsm8k.test.jsonl.xz",
    .form = "JSON lines of \"question\", \"answer\" (the result is its last number)",
    .metrics = {"acc", "tokens_per_item", "e3"},
    .higherIsBetter = true,
    .generates = true,
    .revision = 2,  // 1 counted tokens after the answer
    .run = run,
});

}  // namespace
}  // namespace ts
