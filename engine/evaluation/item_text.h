// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <span>

#include "engine/evaluation/data.h"
#include "engine/evaluation/evaluate.h"

namespace ts {

/// What an item asks, for people.
struct ItemText {
  std::string question;
  std::vector<std::string> choices;  ///< empty where an answer is generated or a text is scored
};

/// The data a task scored: the user's own file, or the bundled one. Items made from the seed have none (empty bytes).
Result<TaskData> taskData(std::string_view task, const std::filesystem::path& own);

/// The texts of these samples by item: of JSON lines the line with that number, of plain text the scored bytes (samples know
/// where they lie; those of older stores do not and are left out).
Result<std::map<std::int64_t, ItemText>> itemTexts(const TaskData& data, std::span<const Sample> samples);

}  // namespace ts
