// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/evaluation/task.h"
#include "engine/formats/tokenizer.h"

namespace ts {

/// A question whose answers are ranked by the model's likelihood of them.
struct ChoiceItem {
  std::vector<std::string> contexts;  ///< one for all choices, or one for each
  std::vector<std::string> choices;   ///< scored as " " + choice after the context
  int gold = 0;
  const std::string& context(std::size_t choice) const { return contexts[contexts.size() == 1 ? 0 : choice]; }
};

/// Makes an item of one JSON line; an error says which member is missing or wrong.
using ReadChoice = std::function<Result<ChoiceItem>(const nlohmann::json&)>;

/// `query`, `choices`, `gold`, or `context`, `continuation` (one choice), or `context_options`, `continuation`, `gold`. `suffix` is
/// put behind a query.
ReadChoice readPlainChoice(std::string suffix = {});

/// The token ids of a context and of a continuation, split as lm-evaluation-harness does (api/model.py, _encode_pair): spaces at
/// the context's end belong to the continuation, both are tokenized as one text, and the continuation starts after as many
/// tokens as the context alone has. No BOS, but for Gemma. Never an empty context: an EOS or BOS stands in.
struct EncodedPair {
  std::vector<int> tokens;
  std::int64_t first = 0;  ///< the continuation's first token
};
EncodedPair encodePair(const Tokenizer& tokenizer, std::string context, std::string continuation, bool addSpecial);

/// lm-evaluation-harness's definitions: acc: the choice with the greatest log-likelihood is the gold one; acc_norm: the same
/// divided by the choice's length in characters. Items with a single choice (LAMBADA): acc: each of its tokens is the arg-max;
/// perplexity: exp of the mean negative log-likelihood per item. With `groupOf` (a subject ...) items are taken from all groups
/// in turn, so that a limit or an early stop leaves an even choice. An item with an answer that does not fit the model's context
/// is skipped; one that only loses the beginning of its question is counted in engaged["task.requests_cut"].
using GroupOf = std::function<std::string(const nlohmann::json&)>;
Result<void> runChoices(TaskRun& run, const ReadChoice& read, const GroupOf& groupOf = {});

}  // namespace ts
