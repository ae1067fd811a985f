// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/measures.h"

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

Json jsonOf(const KlStatistics& kl) {
  return {{"mean", kl.mean}, {"mean_stderr", kl.meanStderr}, {"median", kl.median}, {"p90", kl.p90}, {"p95", kl.p95},
          {"p99", kl.p99}, {"p999", kl.p999}, {"minimum", kl.minimum}, {"maximum", kl.maximum},
          {"same_top", kl.sameTop}, {"same_top_stderr", kl.sameTopStderr},
          {"mean_delta_p", kl.meanDeltaP}, {"mean_delta_p_stderr", kl.meanDeltaPStderr}, {"rms_delta_p", kl.rmsDeltaP},
          {"delta_p1", kl.deltaP1}, {"delta_p99", kl.deltaP99}, {"perplexity", kl.perplexity}, {"dense_perplexity", kl.densePerplexity},
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
