// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/store/records.h"

namespace ts {

/// One item that two runs answered differently.
struct ItemDifference {
  std::int64_t item = 0;
  double a = 0, b = 0;  ///< of Disagreement::value
  std::optional<int> answerA, answerB, gold;  ///< choices, counted from 0
};

/// Where two runs part ways, item by item.
struct Disagreement {
  std::string value;  ///< "correct", "correct_norm" (0 or 1), or "nll" per token in nats
  std::int64_t items = 0, onlyA = 0, onlyB = 0;  ///< both scored; right in one run only (of "nll": better there)
  std::int64_t otherAnswer = 0;                  ///< both right or both wrong, yet with different answers
  /// Right in one run only, then other answers; within these by item. Of "nll": the largest differences first.
  std::vector<ItemDifference> differ;
};

/// Over the items both scored; `byNorm`: choices by length-normalized likelihood where samples have it.
Disagreement disagreement(const std::vector<SampleRecord>& a, const std::vector<SampleRecord>& b, bool byNorm);

}  // namespace ts
