// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/compare_items.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

namespace ts {
namespace {

constexpr std::size_t kBootstrapItems = 30;  // below, percentiles of resampled items are too narrow

using Values = std::vector<double>;
struct Both {
  Values a, b;
};

/// Values `name` of both samples of every pair, or nothing when one lacks it.
std::optional<Both> values(const SamplePairs& pairs, const std::string& name) {
  Both out;
  for (const auto& [a, b] : pairs) {
    const auto inA = a->values.find(name), inB = b->values.find(name);
    if (inA == a->values.end() || inB == b->values.end() || !std::isfinite(inA->second) || !std::isfinite(inB->second))
      return std::nullopt;
    out.a.push_back(inA->second);
    out.b.push_back(inB->second);
  }
  if (out.a.empty()) return std::nullopt;
  return out;
}

bool has(const SamplePairs& pairs, const std::string& name) {
  return std::ranges::any_of(pairs, [&](const auto& pair) { return pair.first->values.contains(name) || pair.second->values.contains(name); });
}

Values minus(const Values& b, const Values& a) {
  Values out(b.size());
  std::ranges::transform(b, a, out.begin(), std::minus<>());
  return out;
}

double mean(const Values& values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

std::optional<ItemTest> ofMeans(const Values& differences) {
  if (differences.size() < 2) return std::nullopt;
  return ItemTest{pairedT(differences), "paired t", static_cast<std::int64_t>(differences.size())};
}

/// B's sums less A's over what both count in the same way.
std::optional<ItemTest> ofRatios(const SamplePairs& pairs, const std::string& sum, const std::string& weight) {
  const auto sums = values(pairs, sum), weights = values(pairs, weight);
  if (!sums || !weights || weights->a != weights->b || sums->a.size() < 2) return std::nullopt;
  const Values differences = minus(sums->b, sums->a);
  const bool many = differences.size() >= kBootstrapItems;
  return ItemTest{many ? pairedBootstrap(differences, weights->a) : pairedRatio(differences, weights->a),
                  many ? "paired bootstrap" : "paired t", static_cast<std::int64_t>(differences.size())};
}

std::optional<ItemTest> ofLikelihoods(const SamplePairs& pairs, const std::string& weight) {
  // Two models with one tokenizer score the same stretches of text; with another one these are other items.
  for (const char* name : {"tokens", "bytes"})
    if (const auto size = values(pairs, name); size && size->a != size->b) return std::nullopt;
  return ofRatios(pairs, "nll", weight);
}

/// Of one continuation an item: LAMBADA's last words.
std::optional<ItemTest> ofContinuations(const SamplePairs& pairs) {
  const auto likelihoods = values(pairs, "ll0");
  if (!likelihoods || has(pairs, "ll1") || likelihoods->a.size() < 2) return std::nullopt;
  const Values differences = minus(likelihoods->a, likelihoods->b), one(differences.size(), 1.0);
  const bool many = differences.size() >= kBootstrapItems;
  return ItemTest{many ? pairedBootstrap(differences, one) : pairedT(differences), many ? "paired bootstrap" : "paired t",
                  static_cast<std::int64_t>(differences.size())};
}

/// A difference of logarithms on the scale of what they are logarithms of.
std::optional<ItemTest> exponential(std::optional<ItemTest> test, const MetricDifference& d) {
  if (!test) return test;
  const auto carried = [&](double logRatio) { return d.a * std::expm1(logRatio); };
  Estimate& e = test->estimate;
  e = {carried(e.value), d.b * e.stderr_, carried(e.low), carried(e.high), e.p};
  return test;
}

std::optional<ItemTest> times(std::optional<ItemTest> test, double factor) {
  if (!test) return test;
  for (double* value : {&test->estimate.value, &test->estimate.stderr_, &test->estimate.low, &test->estimate.high}) *value *= factor;
  return test;
}

std::optional<ItemTest> ofChoices(const SamplePairs& pairs, const std::string& name) {
  const auto correct = values(pairs, name);
  if (!correct) return std::nullopt;
  std::int64_t onlyA = 0, onlyB = 0;
  for (std::size_t i = 0; i < correct->a.size(); ++i) {
    const bool a = correct->a[i] > 0.5, b = correct->b[i] > 0.5;
    onlyA += a && !b;
    onlyB += b && !a;
  }
  const auto n = static_cast<std::int64_t>(correct->a.size());
  return ItemTest{mcnemar(onlyA, onlyB, n), "McNemar (exact)", n};
}

/// Each item's part in 100 c squared over t, linearized at the means: their mean is the metric itself.
Values efficiencies(const Values& correct, const Values& tokens) {
  const double a = 100 * mean(correct), t = mean(tokens);
  Values out(correct.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = t > 0 ? a * a / t + 2 * a / t * (100 * correct[i] - a) - a * a / (t * t) * (tokens[i] - t) : 0;
  return out;
}

std::optional<ItemTest> ofEfficiency(const SamplePairs& pairs) {
  const auto correct = values(pairs, "correct"), tokens = values(pairs, "tokens");
  if (!correct || !tokens) return std::nullopt;
  return ofMeans(minus(efficiencies(correct->b, tokens->b), efficiencies(correct->a, tokens->a)));
}

/// Bits gained a token, each run's own over what its metric divides them by; that is a constant of the run.
std::optional<ItemTest> ofGains(const MetricDifference& d, const SamplePairs& pairs, double perA, double perB) {
  const auto nll = values(pairs, "nll"), bytes = values(pairs, "bytes"), tokens = values(pairs, "tokens");
  if (!nll || !bytes || !tokens || !(perA > 0) || !(perB > 0)) return std::nullopt;
  Values differences(nll->a.size());
  for (std::size_t i = 0; i < differences.size(); ++i) {
    const auto gained = [&](const Values& n, const Values& b, const Values& t) { return (8 * b[i] - n[i] / std::numbers::ln2) / t[i]; };
    differences[i] = gained(nll->b, bytes->b, tokens->b) / perB - gained(nll->a, bytes->a, tokens->a) / perA;
  }
  // What is added to every item alike (the bias, samples of unequal length) moves the difference, not its error.
  const double shift = d.difference - mean(differences);
  for (double& difference : differences) difference += shift;
  return ofMeans(differences);
}

double valueOf(const RunRecord& run, const std::string& metric) {
  const auto it = run.metrics.find(metric);
  return it == run.metrics.end() ? 0 : it->second.value;
}

double meanOf(const SamplePairs& pairs, const std::string& name, bool ofB) {
  const auto found = values(pairs, name);
  return found ? mean(ofB ? found->b : found->a) : 0;
}

}  // namespace

SamplePairs pairSamples(const std::vector<SampleRecord>& a, const std::vector<SampleRecord>& b) {
  std::map<std::int64_t, const SampleRecord*> ofA;
  for (const SampleRecord& sample : a) ofA[sample.item] = &sample;
  SamplePairs pairs;
  for (const SampleRecord& sample : b)
    if (const auto it = ofA.find(sample.item); it != ofA.end()) pairs.emplace_back(it->second, &sample);
  return pairs;
}

std::optional<ItemTest> testItems(const MetricDifference& d, const SamplePairs& pairs, const RunRecord& a, const RunRecord& b) {
  if (pairs.empty()) return std::nullopt;
  const std::string& metric = d.metric;
  if (metric == "acc") return ofChoices(pairs, "correct");
  if (metric == "acc_norm") return ofChoices(pairs, "correct_norm");
  if (metric == "perplexity") return exponential(has(pairs, "nll") ? ofLikelihoods(pairs, "tokens") : ofContinuations(pairs), d);
  if (metric == "bits_per_byte") return times(ofLikelihoods(pairs, "bytes"), 1 / std::numbers::ln2);
  if (a.model.fingerprint != b.model.fingerprint) return std::nullopt;
  if (metric == "kl_mean") return ofRatios(pairs, "kl.sum", "kl.positions");
  if (metric == "same_top") return ofRatios(pairs, "kl.same_top", "kl.positions");
  if (metric == "delta_p") return ofRatios(pairs, "kl.delta_p", "kl.positions");
  if (metric == "log_perplexity_ratio") return ofLikelihoods(pairs, "tokens");
  if (metric == "e3") return ofEfficiency(pairs);
  if (metric == "gained_bits_per_token") return ofGains(d, pairs, 1, 1);
  if (metric == "gained_bits_per_byte_read") return ofGains(d, pairs, meanOf(pairs, "bytes_read", false), meanOf(pairs, "bytes_read", true));
  if (metric == "information_capacity") return ofGains(d, pairs, std::log2(valueOf(a, "flops_per_token")), std::log2(valueOf(b, "flops_per_token")));
  const auto own = values(pairs, metric == "tokens_per_item" ? "tokens" : metric);
  return own ? ofMeans(minus(own->b, own->a)) : std::nullopt;
}

}  // namespace ts
