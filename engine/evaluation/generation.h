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
  std::int64_t number = 0;  ///< in the data
  std::vector<int> prompt;
  std::int64_t tokens = 0;  ///< at most this many are generated; less than 1: the prompt is too long, the item is skipped
  std::vector<std::string> until;  ///< the answer ends before the first of these
  std::function<bool(std::string_view text)> correct;
  std::map<std::string, double> facts;  ///< goes into the item's sample: "depth", "length" ...
};

/// Generates each item under the whole plan (key/value strategies, decoding, filters, search) with the seed options.seed +
/// item. acc: the share of correct answers; tokens_per_item: how long they were; e3: Plan-and-Budget's E3 = A^2 / T (Lin et al.
/// 2025, arXiv 2505.16122), A the accuracy in percent and T the mean number of generated tokens. Against dense, the untouched
/// model answers the same items greedily.
Result<void> runGeneration(TaskRun& run, std::vector<GenerationItem> items);

/// The ids of a text as this task's prompts need them: with BOS where the model adds one. An error: no tokenizer.
Result<std::vector<int>> promptIds(const TaskRun& run, std::string_view text);

/// How long a prompt may be so that the answer still fits: options.context, but not beyond the model's context.
std::int64_t promptRoom(const TaskRun& run, std::int64_t answerTokens);

}  // namespace ts
