// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/compare.h"

#include <algorithm>
#include <cmath>

#include "engine/evaluation/task.h"
#include "experiments/analysis/compare_items.h"
#include "experiments/analysis/label.h"
#include "experiments/analysis/paired.h"
#include "experiments/store/metrics.h"

namespace ts {
namespace {

void take(MetricDifference& d, const Estimate& e, std::string method, std::int64_t n) {
  d.stderr_ = e.stderr_;
  d.low = e.low;
  d.high = e.high;
  d.p = e.p;
  d.method = std::move(method);
  d.n = n;
}

std::string setting(const RunRecord& run, const std::string& name) {
  const auto it = run.settings.find(name);
  return it == run.settings.end() ? std::string() : it->second;
}

std::string sentenceOf(const MetricDifference& d) {
  const bool points = d.metric.starts_with("acc") || d.metric == "same_top";
  const auto amount = [&](double value) {
    std::string text = formatValue(d.metric, std::abs(value));
    if (points) text.replace(text.size() - 1, 1, "points");
    return text;
  };
  if (d.difference == 0) return titleOf(d.metric) + ": no difference";
  const bool bytes = unitOf(d.metric) == "bytes";
  std::string text = titleOf(d.metric) + ": B ";
  if (points)
    text += d.better ? "gains " : "loses ";
  else
    text +=
        d.difference < 0 ? (bytes ? "takes less, by " : "is lower by ") : (bytes ? "takes more, by " : "is higher by ");
  std::string size = amount(d.difference);
  if (d.stderr_ && *d.stderr_ > 0) size = size.substr(0, size.find(' ')) + " ± " + amount(*d.stderr_);
  text += size;
  if (!points && d.a != 0) {
    const double percent = 100 * d.difference / std::abs(d.a);
    text +=
        " (" + std::string(percent > 0 ? "+" : "−") + formatValue("", std::round(std::abs(percent) * 10) / 10) + " %)";
  }
  if (!points) text += d.better ? ", which is better" : ", which is worse";
  if (!d.p) return text + (d.method == "exact" ? "" : "; how sure is not known");
  if (*d.p < 0.001) return text + "; real at 99.9 %";
  if (*d.p < 0.01) return text + "; real at 99 %";
  if (*d.p < 0.05) return text + "; real at 95 %";
  return text + "; could be chance (p = " + formatValue("", std::round(*d.p * 100) / 100) + ")";
}

std::vector<std::string> warningsOf(const RunRecord& a, const RunRecord& b, const std::vector<SampleRecord>& samplesA,
                                    const std::vector<SampleRecord>& samplesB, const SamplePairs& pairs) {
  std::vector<std::string> warnings;
  const auto both = [](const std::string& x, const std::string& y) {
    return " (A: " + (x.empty() ? "?" : x) + ", B: " + (y.empty() ? "?" : y) + ")";
  };
  if (a.state != RunState::Done || b.state != RunState::Done)
    warnings.push_back("not both runs are done" + both(std::string(name(a.state)), std::string(name(b.state))));
  if (a.model.fingerprint != b.model.fingerprint)
    warnings.push_back("the models differ" + both(a.model.name, b.model.name));
  if (a.task != b.task)
    warnings.push_back("the tasks differ" + both(a.task, b.task));
  else if (a.dataFingerprint != b.dataFingerprint)
    warnings.push_back("the scored data differ: quality cannot be compared");
  if (a.host.cpu != b.host.cpu || a.host.cores != b.host.cores || a.host.name != b.host.name)
    warnings.push_back("measured on different machines" +
                       both(a.host.name + ", " + a.host.cpu, b.host.name + ", " + b.host.cpu) +
                       ": speeds cannot be compared");
  else if (a.host.isa != b.host.isa)
    warnings.push_back("measured with different instruction sets" + both(a.host.isa, b.host.isa));
  if (a.engineVersion != b.engineVersion)
    warnings.push_back("measured by different versions of the engine" + both(a.engineVersion, b.engineVersion));
  if (a.seed != b.seed) warnings.push_back("the seeds differ" + both(std::to_string(a.seed), std::to_string(b.seed)));
  for (const char* name : {"task.context", "bench.prompt", "bench.generate", "bench.depth", "threads"})
    if (setting(a, name) != setting(b, name))
      warnings.push_back(std::string(name) + " differs" + both(setting(a, name), setting(b, name)));
  if (a.noisy || b.noisy)
    warnings.push_back(std::string("the machine was noisy while ") +
                       (a.noisy && b.noisy ? "both were"
                        : a.noisy          ? "A was"
                                           : "B was") +
                       " timed");
  if (!samplesA.empty() && !samplesB.empty() && (pairs.size() != samplesA.size() || pairs.size() != samplesB.size()))
    warnings.push_back("only " + std::to_string(pairs.size()) + " items were scored by both (A: " +
                       std::to_string(samplesA.size()) + ", B: " + std::to_string(samplesB.size()) + ")");
  return warnings;
}

}  // namespace

std::string intervalText(const MetricDifference& d) {
  if (!d.low || !d.high) return "–";
  return formatValue(d.metric, *d.low) + " to " + formatValue(d.metric, *d.high);
}

std::string answerText(const MetricDifference& d) {
  std::string text = d.sentence;
  if (d.low && d.high) text += ". 95 % interval of the difference: " + intervalText(d);
  if (!d.method.empty()) text += " (" + d.method + (d.n > 0 ? " over " + std::to_string(d.n) + (d.n == 1 ? " item" : " items") : "") + ")";
  return text + ".";
}

const MetricDifference* mainMetric(const std::string& name, const Comparison& comparison) {
  const Task* task = findTask(name);
  if (!task) return nullptr;
  const auto found = std::ranges::find(comparison.metrics, task->metrics.front(), &MetricDifference::metric);
  return found == comparison.metrics.end() ? nullptr : &*found;
}

bool sameItems(const RunRecord& a, const RunRecord& b) {
  if (a.task != b.task || a.dataFingerprint != b.dataFingerprint || setting(a, "task.context") != setting(b, "task.context"))
    return false;
  const Task* task = findTask(a.task);
  if (!task || !task->itemsDepend) return true;
  return a.seed == b.seed && setting(a, "task.limit") == setting(b, "task.limit");
}

Comparison compareRuns(const RunRecord& a, const RunRecord& b, const std::vector<SampleRecord>& samplesA,
                       const std::vector<SampleRecord>& samplesB) {
  Comparison comparison;
  std::map<std::string, SettingDifference> settings;
  for (const auto& [name, value] : a.settings) settings[name] = {name, value, {}};
  for (const auto& [name, value] : b.settings) {
    settings[name].name = name;
    settings[name].b = value;
  }
  for (auto& [name, setting] : settings)
    if (setting.a != setting.b) comparison.differs.push_back(std::move(setting));

  const SamplePairs pairs = pairSamples(samplesA, samplesB);
  comparison.warnings = warningsOf(a, b, samplesA, samplesB, pairs);
  const bool same = sameItems(a, b);
  for (const auto& [name, ofA] : a.metrics) {
    const auto ofB = b.metrics.find(name);
    if (ofB == b.metrics.end() || !std::isfinite(ofA.value) || !std::isfinite(ofB->second.value)) continue;
    MetricDifference d{
        .metric = name, .a = ofA.value, .b = ofB->second.value, .difference = ofB->second.value - ofA.value};
    if (d.difference != 0) {
      const bool lower = d.difference < 0;
      d.better = lower == (betterDirection(name) == Direction::Minimize);
      d.worse = !d.better;
    }
    if (unitOf(name) == "bytes") {
      d.method = "exact";
    } else if (const auto test = same ? testItems(d, pairs, a, b) : std::nullopt) {
      take(d, test->estimate, test->method, test->items);
    } else {
      d.method = "no error known";
      const double errorA = ofA.stderr_.value_or(0), errorB = ofB->second.stderr_.value_or(0);
      if (errorA > 0 || errorB > 0) take(d, independent(d.a, errorA, d.b, errorB), "independent", 0);
    }
    d.sentence = sentenceOf(d);
    comparison.metrics.push_back(std::move(d));
  }
  return comparison;
}

}  // namespace ts
