// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/label.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "experiments/store/metrics.h"

namespace ts {
namespace {

/// `digits` significant digits without an exponent where people would not write one; '.' in every locale.
std::string rounded(double value, int digits) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "-∞";
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e7);
  const int before = size >= 1 ? static_cast<int>(std::floor(std::log10(size))) + 1
                               : (size > 0 ? static_cast<int>(std::floor(std::log10(size))) + 1 : 1);
  std::array<char, 64> text;
  const auto end =
      plain
          ? std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed,
                          std::max(0, digits - before))
                .ptr
          : std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific, digits - 1).ptr;
  std::string out(text.data(), end);
  if (plain && out.find('.') != std::string::npos) {
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
  }
  return out;
}

}  // namespace

std::string shortName(const RunRecord& run) {
  std::string text;
  // Weights and cache share words ("q8"), so the cache's are marked.
  for (const auto& [family, mark] :
       {std::pair{"weights", ""}, {"kv", "kv "}, {"decode", ""}, {"sample", ""}, {"search", ""}}) {
    const auto it = run.settings.find(family);
    if (it != run.settings.end() && !it->second.empty())
      text += (text.empty() ? "" : " + ") + std::string(mark) + it->second;
  }
  const auto activations = run.settings.find("activations");
  if (activations != run.settings.end() && activations->second != "f32")
    text += (text.empty() ? "" : " + ") + activations->second + " activations";
  return text.empty() ? "dense" : text;
}

std::string formatValue(std::string_view metric, double value) {
  const std::string unit = unitOf(metric);
  if (unit == "bytes") {
    const double size = std::abs(value);
    if (size >= 1e9) return rounded(value / 1e9, 3) + " GB";
    if (size >= 1e6) return rounded(value / 1e6, 3) + " MB";
    if (size >= 1e3) return rounded(value / 1e3, 3) + " kB";
    return rounded(value, 3) + " bytes";
  }
  if (unit.empty() &&
      (metric.starts_with("acc") || metric == "same_top" || metric == "bandwidth_used" || metric == "noise"))
    return rounded(100 * value, 3) + " %";
  const std::string number = rounded(value, 4);
  return unit.empty() ? number : number + " " + unit;
}

}  // namespace ts
