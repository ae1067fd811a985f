// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/evaluation/item_text.h"
#include "experiments/analysis/compare.h"
#include "experiments/analysis/items.h"

namespace ts {

/// Two runs read side by side: what differs and whether it is real, and the items on which they part ways, with their texts
/// where the data that was scored is still there.
struct PairReading {
  Comparison comparison;
  Disagreement items;                       ///< none where the two did not score the same items
  std::vector<ItemDifference> shown;        ///< the first of items.differ
  std::map<std::int64_t, ItemText> texts;   ///< of those shown
  std::string textProblem;                  ///< why there are none
};

/// Reads the task's data: not for a thread that must stay responsive. `most`: so many items are shown.
PairReading readPair(const RunRecord& a, const RunRecord& b, const std::vector<SampleRecord>& samplesA,
                     const std::vector<SampleRecord>& samplesB, std::size_t most);

/// The text of a choice, its number where there is no text, nothing where there is no choice.
std::string choiceText(const PairReading& reading, std::int64_t item, const std::optional<int>& choice);
/// On one line, at most so many bytes (of whole characters) and "..." where more was cut.
std::string oneLine(const std::string& text, std::size_t most);

}  // namespace ts
