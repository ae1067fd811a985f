// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/metrics.h"

#include <algorithm>
#include <iterator>

namespace ts {
namespace {

struct Known {
  std::string_view name, title, unit;
  Direction better;
};

constexpr auto kDown = Direction::Minimize;
constexpr auto kUp = Direction::Maximize;
constexpr Known kKnown[] = {
    {"perplexity", "Perplexity", "", kDown},
    {"word_perplexity", "Word perplexity", "", kDown},
    {"byte_perplexity", "Byte perplexity", "", kDown},
    {"bits_per_byte", "Bits per byte", "bits/byte", kDown},
    {"acc", "Accuracy", "", kUp},
    {"acc_norm", "Accuracy (length-normalized)", "", kUp},
    {"agreement", "Agreement with the dense model's text", "", kUp},
    {"common_prefix", "Tokens until the text differs from dense", "tokens", kUp},
    {"tokens_per_item", "Tokens of an answer", "tokens", kDown},
    {"e3", "E3 (accuracy squared over tokens)", "", kUp},
    {"information_capacity", "Information Capacity", "", kUp},
    {"gained_bits_per_token", "Bits gained a token", "bits", kUp},
    {"text_bits_per_token", "Bits of text a token", "bits", kUp},
    {"gained_bits_per_byte_read", "Bits gained a byte read", "bits/byte", kUp},
    {"gained_bits_per_ms", "Bits gained a millisecond", "bits/ms", kUp},
    {"flops_per_token", "FLOPs a token", "", kDown},
    {"kl_mean", "KL divergence from dense", "nats", kDown},
    {"kl_median", "KL divergence from dense (median)", "nats", kDown},
    {"kl_p99", "KL divergence from dense (99 %)", "nats", kDown},
    {"kl_max", "KL divergence from dense (maximum)", "nats", kDown},
    {"kl_p999", "KL divergence from dense (99.9 %)", "nats", kDown},
    {"delta_p", "Probability of the right token, against dense", "", kUp},
    {"delta_p_rms", "Root mean square of that difference", "", kDown},
    {"log_perplexity_ratio", "ln of perplexity over dense", "", kDown},
    {"correlation", "Correlation of log-likelihoods with dense", "", kUp},
    {"same_top", "Same top token as dense", "", kUp},
    {"prefill_tokens_per_s", "Prefill speed", "tokens/s", kUp},
    {"decode_tokens_per_s", "Decode speed", "tokens/s", kUp},
    {"ttft_ms", "Time to first token", "ms", kDown},
    {"itl_p50_ms", "Inter-token latency (median)", "ms", kDown},
    {"itl_p90_ms", "Inter-token latency (90 %)", "ms", kDown},
    {"itl_p99_ms", "Inter-token latency (99 %)", "ms", kDown},
    {"read_bandwidth", "Read bandwidth", "GB/s", kUp},
    {"bandwidth_used", "Bandwidth used", "", kUp},
    {"tokens_per_step", "Tokens per decoding step", "", kUp},
    {"frequency_mhz", "Processor frequency", "MHz", kUp},
    {"temperature_c", "Processor temperature", "°C", kDown},
    {"energy_joules", "Energy of a repetition", "J", kDown},
    {"dram_joules", "Energy of memory in a repetition", "J", kDown},
    {"latency_attempts", "Timings taken (noisy ones once more)", "", kDown},
    {"drift", "Drift of the baseline's speed over the sweep", "", kUp},
    {"noise", "Noise of the machine", "", kDown},
    {"bytes_weights", "Weights", "bytes", kDown},
    {"bytes_kv", "Key/value cache", "bytes", kDown},
    {"bytes_scratch", "Scratch memory", "bytes", kDown},
    {"bytes_draft", "Draft memory", "bytes", kDown},
    {"bytes_total", "Memory", "bytes", kDown},
    {"peak_bytes", "Peak memory of the process", "bytes", kDown},
    {"load_peak_bytes", "Peak memory while loading", "bytes", kDown},
    {"not_counted_bytes", "Peak memory beyond what is counted", "bytes", kDown},
    {"forecast_bytes", "Forecast of the peak memory", "bytes", kDown},
    {"quality_seconds", "Time to measure quality", "s", kDown},
    {"latency_seconds", "Time to measure latency", "s", kDown},
    {"prepare_seconds", "Time to prepare the model", "s", kDown},
};

const Known* find(std::string_view metric) {
  const auto it = std::ranges::find(kKnown, metric, &Known::name);
  return it == std::end(kKnown) ? nullptr : it;
}

}  // namespace

Direction betterDirection(std::string_view metric) {
  if (const Known* known = find(metric)) return known->better;
  if (metric.find("_tokens_per_s") != std::string_view::npos || metric.starts_with("acc") || metric.starts_with("exact_match")) return kUp;
  return kDown;
}

std::string unitOf(std::string_view metric) {
  if (const Known* known = find(metric)) return std::string(known->unit);
  if (metric.find("_tokens_per_s") != std::string_view::npos) return "tokens/s";
  if (metric.find("_ms_at_") != std::string_view::npos) return "ms";
  if (metric.ends_with("_ms")) return "ms";
  if (metric.ends_with("_seconds")) return "s";
  if (metric.starts_with("bytes_") || metric.ends_with("_bytes")) return "bytes";
  return "";
}

std::string titleOf(std::string_view metric) {
  const Known* known = find(metric);
  return std::string(known ? known->title : metric);
}

}  // namespace ts
