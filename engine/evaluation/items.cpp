// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/items.h"

#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace ts {
namespace {

constexpr std::string_view kEngaged = "engaged.", kDense = "dense.";

/// What is not a count or a time of one item but a state or a rate at its end.
bool isLevel(std::string_view name) {
  if (name == "kv.rows_evicted" || name == "search.tokens") return false;
  for (const std::string_view prefix : {"kv.rows", "kv.bytes", "search.", "sample."})
    if (name.starts_with(prefix)) return true;
  return name.find("_per_") != std::string_view::npos;
}

std::map<std::string, double> under(const Sample& sample, std::string_view prefix) {
  std::map<std::string, double> out;
  for (auto it = sample.values.lower_bound(std::string(prefix)); it != sample.values.end() && it->first.starts_with(prefix); ++it)
    out.emplace(it->first.substr(prefix.size()), it->second);
  return out;
}

void put(Sample& sample, std::string_view prefix, const std::map<std::string, double>& values) {
  for (const auto& [name, value] : values) sample.values[std::string(prefix) + name] = value;
}

/// What two runs' divergences are compared by, item by item; the positions themselves are not kept.
void putDivergence(Sample& sample) {
  double sum = 0, same = 0, delta = 0;
  for (const TokenScore& s : sample.positions) {
    sum += s.kl;
    same += s.sameTop ? 1 : 0;
    delta += std::exp(-s.nll) - std::exp(-s.denseNll);
  }
  put(sample, "kl.", {{"sum", sum}, {"same_top", same}, {"delta_p", delta}, {"positions", static_cast<double>(sample.positions.size())}});
}

bool narrowEnough(const EvaluationOptions& options, double error, std::size_t items) {
  return options.untilStderr > 0 && error <= options.untilStderr && static_cast<std::int64_t>(items) >= EvaluationOptions::kFewestItems;
}

}  // namespace

void EngagedTotals::add(const std::map<std::string, double>& engaged) {
  const auto steps = engaged.find("verify.steps");
  for (const auto& [name, value] : engaged) {
    Sum& sum = sums_[name];
    const double weight = name == "tokens_per_step" && steps != engaged.end() ? steps->second : 1;
    sum.total += isLevel(name) ? value * weight : value;
    sum.weight += weight;
  }
}

std::map<std::string, double> EngagedTotals::finish() const {
  std::map<std::string, double> out;
  for (const auto& [name, sum] : sums_) out[name] = isLevel(name) && sum.weight > 0 ? sum.total / sum.weight : sum.total;
  return out;
}

void putEngaged(Sample& sample, const std::map<std::string, double>& engaged) { put(sample, kEngaged, engaged); }
std::map<std::string, double> engagedOf(const Sample& sample) { return under(sample, kEngaged); }
void putDense(Sample& sample, const std::map<std::string, double>& values) { put(sample, kDense, values); }
Sample denseOf(const Sample& sample) { return {sample.item, under(sample, kDense), {}}; }

Result<void> scoreItems(TaskRun& run, const ItemWalk& walk) {
  EvaluationResult& result = run.result;
  if (walk.items.empty())
    return fail(result.skipped.empty() ? "there is no item to score" : "no item can be scored; item " + std::to_string(result.skipped[0].item) + ": " + result.skipped[0].reason,
                run.data.where.empty() ? run.options.task : run.data.where);
  std::unordered_map<std::int64_t, const Sample*> known;
  for (const Sample& s : run.hooks.known)
    if (walk.whole(s)) known[s.item] = &s;
  EngagedTotals engaged;
  const auto total = static_cast<std::int64_t>(walk.items.size());
  for (std::size_t place = 0; place < walk.items.size(); ++place) {
    if (run.hooks.stop.stop_requested()) return fail(ErrorKind::Cancelled, "the evaluation was cancelled", run.options.task);
    const auto before = known.find(walk.items[place]);
    if (before != known.end()) {
      result.samples.push_back(*before->second);
    } else {
      TS_TRY(Sample fresh, walk.score(place));
      fresh.item = walk.items[place];
      if (!fresh.positions.empty()) putDivergence(fresh);
      result.samples.push_back(std::move(fresh));
    }
    const double error = walk.take(result.samples.back());
    engaged.add(engagedOf(result.samples.back()));
    if (before == known.end()) run.hooks.sample(result.samples.back());
    run.hooks.progress(static_cast<std::int64_t>(place) + 1, total);
    if (narrowEnough(run.options, error, place + 1)) break;
  }
  for (const auto& [name, value] : engaged.finish()) result.engaged[name] = value;
  if (!result.skipped.empty()) result.engaged["task.items_skipped"] = static_cast<double>(result.skipped.size());
  return {};
}

bool isTiming(std::string_view name) { return name == "ms" || name.ends_with(".ms") || name.ends_with("_ms"); }

std::string packPositions(const std::vector<TokenScore>& positions) {
  std::string bytes;
  bytes.reserve(positions.size() * 25);
  for (const TokenScore& s : positions) {
    for (const double value : {s.nll, s.denseNll, s.kl}) {
      char raw[sizeof value];
      std::memcpy(raw, &value, sizeof value);
      bytes.append(raw, sizeof value);
    }
    bytes += static_cast<char>((s.top ? 1 : 0) | (s.denseTop ? 2 : 0) | (s.sameTop ? 4 : 0));
  }
  return bytes;
}

std::vector<TokenScore> unpackPositions(std::string_view bytes) {
  std::vector<TokenScore> positions;
  if (bytes.size() % 25 != 0) return positions;
  for (; !bytes.empty(); bytes.remove_prefix(25)) {
    TokenScore& s = positions.emplace_back();
    std::memcpy(&s.nll, bytes.data(), 8);
    std::memcpy(&s.denseNll, bytes.data() + 8, 8);
    std::memcpy(&s.kl, bytes.data() + 16, 8);
    s.top = bytes[24] & 1, s.denseTop = bytes[24] & 2, s.sameTop = bytes[24] & 4;
  }
  return positions;
}

}  // namespace ts
