// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/compare.h"

#include <cmath>
#include <set>

#include "experiments/analysis/label.h"
#include "experiments/analysis/paired.h"
#include "experiments/store/metrics.h"

namespace ts {
namespace {

constexpr std::size_t kBootstrapItems = 30;  // below, percentiles of resampled items are too narrow

using Pairs = std::vector<std::pair<const SampleRecord*, const SampleRecord*>>;

Pairs paired(const std::vector<SampleRecord>& a, const std::vector<SampleRecord>& b) {
  std::map<std::int64_t, const SampleRecord*> ofA;
  for (const SampleRecord& sample : a) ofA[sample.item] = &sample;
  Pairs pairs;
  for (const SampleRecord& sample : b)
    if (const auto it = ofA.find(sample.item); it != ofA.end()) pairs.emplace_back(it->second, &sample);
  return pairs;
}

/// Values `name` of both samples of every pair, or nothing when one lacks it.
std::optional<std::pair<std::vector<double>, std::vector<double>>> values(const Pairs& pairs, const std::string& name) {
  std::pair<std::vector<double>, std::vector<double>> out;
  for (const auto& [a, b] : pairs) {
    const auto inA = a->values.find(name), inB = b->values.find(name);
    if (inA == a->values.end() || inB == b->values.end() || !std::isfinite(inA->second) || !std::isfinite(inB->second))
      return std::nullopt;
    out.first.push_back(inA->second);
    out.second.push_back(inB->second);
  }
  if (out.first.empty()) return std::nullopt;
  return out;
}

std::vector<double> minus(const std::vector<double>& b, const std::vector<double>& a) {
  std::vector<double> out(b.size());
  for (std::size_t i = 0; i < b.size(); ++i) out[i] = b[i] - a[i];
  return out;
}

void take(MetricDifference& d, const Estimate& e, std::string method, std::size_t n) {
  d.stderr_ = e.stderr_;
  d.low = e.low;
  d.high = e.high;
  d.p = e.p;
  d.method = std::move(method);
  d.n = static_cast<std::int64_t>(n);
}

/// The log ratio per token or byte, carried over to the metric's own scale.
bool compareLikelihood(MetricDifference& d, const Pairs& pairs, const char* weight, bool exponential) {
  const auto nll = values(pairs, "nll"), weights = values(pairs, weight);
  if (!nll || !weights || nll->first.size() < 2) return false;
  // Two models with one tokenizer score the same stretches of text; with another one these are other items.
  for (const char* name : {"tokens", "bytes"})
    if (const auto size = values(pairs, name); size && size->first != size->second) return false;
  const std::vector<double> differences = minus(nll->second, nll->first);
  const bool many = differences.size() >= kBootstrapItems;
  Estimate e = many ? pairedBootstrap(differences, weights->first) : pairedRatio(differences, weights->first);
  if (exponential) {
    const auto carried = [&](double logRatio) { return d.a * std::expm1(logRatio); };
    e = {carried(e.value), d.b * e.stderr_, carried(e.low), carried(e.high), e.p};
  } else {
    for (double* value : {&e.value, &e.stderr_, &e.low, &e.high}) *value /= std::log(2.0);
  }
  take(d, e, many ? "paired bootstrap" : "paired t", differences.size());
  return true;
}

bool compareChoices(MetricDifference& d, const Pairs& pairs, const std::string& name) {
  const auto correct = values(pairs, name);
  if (!correct) return false;
  std::int64_t onlyA = 0, onlyB = 0;
  for (std::size_t i = 0; i < correct->first.size(); ++i) {
    const bool a = correct->first[i] > 0.5, b = correct->second[i] > 0.5;
    onlyA += a && !b;
    onlyB += b && !a;
  }
  take(d, mcnemar(onlyA, onlyB, static_cast<std::int64_t>(correct->first.size())), "McNemar (exact)",
       correct->first.size());
  return true;
}

bool compareItems(MetricDifference& d, const Pairs& pairs, bool sameModel) {
  if (pairs.empty()) return false;
  if (d.metric == "acc") return compareChoices(d, pairs, "correct");
  if (d.metric == "acc_norm") return compareChoices(d, pairs, "correct_norm");
  if (d.metric == "perplexity") return compareLikelihood(d, pairs, "tokens", true);
  if (d.metric == "bits_per_byte") return compareLikelihood(d, pairs, "bytes", false);
  const auto own = values(pairs, d.metric);
  if (!sameModel || !own || own->first.size() < 2) return false;
  take(d, pairedT(minus(own->second, own->first)), "paired t", own->first.size());
  return true;
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
                                    const std::vector<SampleRecord>& samplesB, const Pairs& pairs) {
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
  const auto setting = [](const RunRecord& run, const std::string& name) {
    const auto it = run.settings.find(name);
    return it == run.settings.end() ? std::string() : it->second;
  };
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

  const Pairs pairs = paired(samplesA, samplesB);
  comparison.warnings = warningsOf(a, b, samplesA, samplesB, pairs);
  // The same item numbers of other data are other items.
  const bool sameModel = a.model.fingerprint == b.model.fingerprint;
  const bool sameItems =
      a.task == b.task && a.dataFingerprint == b.dataFingerprint &&
      a.settings.contains("task.context") == b.settings.contains("task.context") &&
      (!a.settings.contains("task.context") || a.settings.at("task.context") == b.settings.at("task.context"));
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
    } else if (!sameItems || !compareItems(d, pairs, sameModel)) {
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
