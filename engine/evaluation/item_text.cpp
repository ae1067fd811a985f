// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/item_text.h"

#include <algorithm>

#include "engine/core/resources.h"
#include "engine/evaluation/task.h"

namespace ts {
namespace {

std::string textOf(const nlohmann::json& line, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto it = line.find(name); it != line.end() && it->is_string()) return it->get<std::string>();
  return {};
}

ItemText ofLine(const nlohmann::json& line) {
  ItemText text{textOf(line, {"query", "question", "context", "text"}), {}};
  for (const char* name : {"choices", "context_options"})
    if (const auto it = line.find(name); it != line.end() && it->is_array())
      for (const nlohmann::json& choice : *it)
        if (choice.is_string()) text.choices.push_back(choice.get<std::string>());
  if (const std::string ending = textOf(line, {"continuation"}); !ending.empty()) {
    if (text.choices.empty()) text.choices = {ending};
    else text.question = "... " + ending;
  }
  return text;
}

bool inside(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

Result<TaskData> taskData(std::string_view name, const std::filesystem::path& own) {
  const Task* task = findTask(name);
  if (!task) return fail("this program knows no task \"" + std::string(name) + "\"");
  if (!own.empty()) return readTaskData(own);
  if (task->data.empty()) return TaskData{};
  return readTaskData(resourceFolder() / "tasks" / task->data);
}

Result<std::map<std::int64_t, ItemText>> itemTexts(const TaskData& data, std::span<const Sample> samples) {
  std::map<std::int64_t, ItemText> texts;
  const std::size_t first = data.bytes.find_first_not_of(" \t\r\n");
  if (samples.empty() || first == std::string::npos) return texts;
  if (data.bytes[first] == '{') {
    std::int64_t last = 0;
    for (const Sample& s : samples) last = std::max(last, s.item);
    TS_CHECK(eachJsonLine(data, last + 1, [&](std::int64_t number, const nlohmann::json& line) -> Result<void> {
      if (std::ranges::find(samples, number, &Sample::item) != samples.end()) texts[number] = ofLine(line);
      return {};
    }));
    return texts;
  }
  for (const Sample& s : samples) {
    const auto at = s.values.find("offset"), size = s.values.find("bytes");
    if (at == s.values.end() || size == s.values.end() || at->second >= static_cast<double>(data.bytes.size())) continue;
    auto begin = static_cast<std::size_t>(at->second);
    auto end = std::min(data.bytes.size(), begin + static_cast<std::size_t>(size->second));
    while (begin < end && inside(data.bytes[begin])) ++begin;  // whole characters
    while (end < data.bytes.size() && inside(data.bytes[end])) ++end;
    texts[s.item] = {data.bytes.substr(begin, end - begin), {}};
  }
  return texts;
}

}  // namespace ts
