// SPDX-License-Identifier: GPL-3.0-or-later
// Choice questions from their JSON lines to token ids.
#include "engine/evaluation/choice.h"

#include <algorithm>

namespace ts {
using nlohmann::json;

namespace {

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

}  // namespace ts
