// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace ts {

enum class Direction { Minimize, Maximize };

/// The direction in which a metric is better ("perplexity" down, "decode_tokens_per_s" up); unknown names: down.
Direction betterDirection(std::string_view metric);
/// Unit for axes and CSV headers: "tokens/s", "bytes", "ms", "nats", "" for plain numbers and fractions.
std::string unitOf(std::string_view metric);
/// What people call it: "Decode speed", "Weights"; the name itself when it is not a known metric.
std::string titleOf(std::string_view metric);

}  // namespace ts
