// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"
#include "engine/registry/registry.h"

namespace ts {

/// Strategies applied one after the other, as one text:
///
///   chain    = strategy { separator strategy }
///   strategy = ID [ ":" NAME "=" VALUE { "," NAME "=" VALUE } ]
///   separator = " + " or ","
///
/// A comma is unambiguous because what follows it tells: `NAME=...` is a parameter of the strategy before it, `ID` or
/// `ID:...` begins the next one. `flap:sparsity=0.2, q4:group=32` is two strategies, `q4:group=32,symmetric=true` is
/// one. Written with " + ".
std::string chainText(const std::vector<StrategySpec>& chain);

/// Every chain that a text with alternatives stands for, checked against the registry: in a VALUE, `a|b|c` lists
/// alternatives and `lo..hi/n` takes n >= 2 values from lo to hi, evenly spaced on the parameter's own scale (whole
/// numbers for integers). The last parameter changes fastest. An empty text is the empty chain ("off").
Result<std::vector<std::vector<StrategySpec>>> parseAlternatives(Family family, std::string_view text,
                                                                 std::string_view where);

}  // namespace ts
