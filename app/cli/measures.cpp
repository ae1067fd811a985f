// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/measures.h"

#include <cstdio>

#include "app/cli/text.h"

#include <cmath>

namespace ts::cli {

Json jsonOf(const MemoryUse& memory) {
  return {{"weights", memory.weights}, {"kv", memory.kv}, {"scratch", memory.scratch}, {"draft", memory.draft}, {"total", memory.total()}};
}

std::string memoryText(const MemoryUse& memory) {
  std::string text = bytesText(static_cast<double>(memory.weights)) + " weights, " + bytesText(static_cast<double>(memory.kv)) +
                     " key/value, " + bytesText(static_cast<double>(memory.scratch)) + " scratch";
  if (memory.draft > 0) text += ", " + bytesText(static_cast<double>(memory.draft)) + " draft";
  return text;
}

Json jsonOf(const Metric& metric) { return {{"value", metric.value}, {"stderr", metric.stderr_}, {"n", metric.n}}; }

/// By the percentile as text, "0.1", "50", "99.9".
static Json percentilesOf(const KlStatistics::Quantiles& quantiles) {
  Json out = Json::object();
  for (std::size_t i = 0; i < quantiles.size(); ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "%g", 100 * KlStatistics::kQuantiles[i]);
    out[name] = quantiles[i];
  }
  return out;
}

Json jsonOf(const KlStatistics& kl) {
  const auto at = [&](double q) { return KlStatistics::at(kl.divergence, q); };
  return {{"mean", kl.mean}, {"mean_stderr", kl.meanStderr}, {"median", kl.median()}, {"p90", at(0.90)}, {"p95", at(0.95)},
          {"p99", kl.p99()}, {"p999", at(0.999)}, {"minimum", kl.divergence.front()}, {"maximum", kl.maximum()},
          {"percentiles", percentilesOf(kl.divergence)},
          {"same_top", kl.sameTop}, {"same_top_stderr", kl.sameTopStderr},
          {"mean_delta_p", kl.meanDeltaP}, {"mean_delta_p_stderr", kl.meanDeltaPStderr}, {"rms_delta_p", kl.rmsDeltaP},
          {"rms_delta_p_stderr", kl.rmsDeltaPStderr}, {"delta_p_percentiles", percentilesOf(kl.deltaP)},
          {"perplexity", kl.perplexity.value}, {"perplexity_stderr", kl.perplexity.stderr_},
          {"dense_perplexity", kl.densePerplexity.value}, {"dense_perplexity_stderr", kl.densePerplexity.stderr_},
          {"log_perplexity_ratio", kl.logPerplexityRatio}, {"log_perplexity_ratio_stderr", kl.logPerplexityRatioStderr},
          {"correlation", kl.correlation}, {"n", kl.n}};
}

Json jsonOf(const BenchResult::Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}, {"confidence", spread.confidence}, {"samples", spread.samples}};
}

std::string spreadText(const BenchResult::Spread& spread) {
  if (spread.samples.empty()) return "–";
  std::string text = numberText(spread.median);
  if (spread.samples.size() > 1) text += "  (" + numberText(std::floor(spread.confidence * 1000) / 10, 3) + " %: " + numberText(spread.low) + " to " + numberText(spread.high) + ")";
  return text;
}

}  // namespace ts::cli
