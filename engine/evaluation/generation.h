// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/evaluation/task.h"

namespace ts {

/// A prompt whose continuation is checked.
struct GenerationItem {
  std::vector<int> prompt;
  std::int64_t tokens = 0;  ///< at most this many are generated
  std::vector<std::string> until;  ///< the text is cut at the first of these
  std::function<bool(std::string_view text)> correct;
  std::map<std::string, double> facts;  ///< goes into the item's sample: "depth", "length" ...
};

/// Generates each item under the whole plan (key/value strategies, decoding, filters, search) with the seed options.seed +
/// item. acc: the share of correct answers; tokens_per_item: how long they were. Against dense, the untouched model answers
/// the same items greedily.
Result<void> runGeneration(TaskRun& run, std::vector<GenerationItem> items);

/// The ids of a text as this task's prompts need them: with BOS where the model adds one. An error: no tokenizer.
Result<std::vector<int>> promptIds(const TaskRun& run, std::string_view text);

/// How long a prompt may be so that the answer still fits: options.context, but not beyond the model's context.
std::int64_t promptRoom(const TaskRun& run, std::int64_t answerTokens);

}  // namespace ts
