// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/items.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace ts {
namespace {

std::optional<double> valueOf(const SampleRecord& sample, const std::string& name) {
  const auto it = sample.values.find(name);
  if (it == sample.values.end() || !std::isfinite(it->second)) return std::nullopt;
  return it->second;
}

std::optional<int> choiceOf(const SampleRecord& sample, const std::string& name) {
  const auto value = valueOf(sample, name);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

/// What is compared of a sample.
std::optional<double> measured(const SampleRecord& sample, const std::string& name) {
  const auto value = valueOf(sample, name);
  if (name != "nll" || !value) return value;
  const auto tokens = valueOf(sample, "tokens");
  return tokens && *tokens > 0 ? std::optional<double>(*value / *tokens) : std::nullopt;
}

}  // namespace

Disagreement disagreement(const std::vector<SampleRecord>& a, const std::vector<SampleRecord>& b, bool byNorm) {
  Disagreement out;
  if (a.empty() || b.empty()) return out;
  const auto& first = a.front().values;
  out.value = byNorm && first.contains("correct_norm") ? "correct_norm" : first.contains("correct") ? "correct" : "nll";
  const bool likelihood = out.value == "nll";
  std::map<std::int64_t, const SampleRecord*> ofA;
  for (const SampleRecord& sample : a) ofA[sample.item] = &sample;
  for (const SampleRecord& sample : b) {
    const auto other = ofA.find(sample.item);
    if (other == ofA.end()) continue;
    const auto inA = measured(*other->second, out.value), inB = measured(sample, out.value);
    if (!inA || !inB) continue;
    ++out.items;
    const std::string answer = out.value == "correct_norm" ? "answer_norm" : "answer";
    ItemDifference d{sample.item, *inA, *inB, choiceOf(*other->second, answer), choiceOf(sample, answer), choiceOf(sample, "gold")};
    if (*inA != *inB) {
      ++((*inA > *inB) != likelihood ? out.onlyA : out.onlyB);
      out.differ.push_back(d);
    } else if (!likelihood && d.answerA != d.answerB) {
      ++out.otherAnswer;
      out.differ.push_back(d);
    }
  }
  const auto size = [](const ItemDifference& d) { return std::abs(d.a - d.b); };
  std::ranges::stable_sort(out.differ, [&](const ItemDifference& x, const ItemDifference& y) {
    return size(x) != size(y) ? size(x) > size(y) : x.item < y.item;
  });
  return out;
}

}  // namespace ts
