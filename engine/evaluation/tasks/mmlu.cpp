// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/evaluation/choice.h"

namespace ts {
using nlohmann::json;

namespace {

std::string stripped(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\n\r\f\v");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\n\r\f\v") - begin + 1);
}

Result<ChoiceItem> read(const json& line) {
  const auto question = line.find("question"), choices = line.find("choices"), answer = line.find("answer"), subject = line.find("subject");
  if (question == line.end() || !question->is_string() || subject == line.end() || !subject->is_string())
    return fail("the texts \"question\" and \"subject\" are needed");
  if (choices == line.end() || !choices->is_array() || choices->size() != 4 || !std::all_of(choices->begin(), choices->end(), [](const json& c) { return c.is_string(); }))
    return fail("\"choices\" must be an array of four texts");
  if (answer == line.end() || !answer->is_number_integer() || answer->get<std::int64_t>() < 0 || answer->get<std::int64_t>() > 3)
    return fail("\"answer\" must be 0 to 3");
  std::string topic = subject->get<std::string>();
  std::replace(topic.begin(), topic.end(), '_', ' ');
  std::string prompt = "The following are multiple choice questions (with answers) about " + topic + ".\n\n" + stripped(question->get<std::string>()) + "\n";
  ChoiceItem item;
  for (std::size_t i = 0; i < 4; ++i) {
    item.choices.emplace_back(1, "ABCD"[i]);
    prompt += item.choices.back() + ". " + (*choices)[i].get<std::string>() + "\n";
  }
  item.contexts = {prompt + "Answer:"};
  item.gold = answer->get<int>();
  return item;
}

const TaskRegistration mmlu({
    .name = "mmlu",
    .title = "MMLU",
    .help = "questions of 57 subjects in turn, without examples; the likeliest of the letters A to D",
    .data = "mmlu.test.jsonl.xz",
    .form = "JSON lines of \"question\", \"choices\" (four), \"answer\" (0 to 3), \"subject\"",
    .metrics = {"acc"},
    .higherIsBetter = true,
    .revision = 2,  // 1 took the subjects one after the other
    .run = [](TaskRun& run) { return runChoices(run, read, [](const json& line) { return line.at("subject").get<std::string>(); }); },
});

}  // namespace

}  // namespace ts
