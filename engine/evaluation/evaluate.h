// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/ledger.h"
#include "engine/core/result.h"
#include "engine/core/thread_pool.h"
#include "engine/kernels/peak.h"
#include "engine/model/model.h"
#include "engine/session/plan.h"

namespace ts {

/// A measured number with its standard error (0 when it has none) over n observations.
struct Metric {
  double value = 0;
  double stderr_ = 0;
  std::int64_t n = 0;
};

/// What is known of one scored position.
struct TokenScore {
  double nll = 0;
  bool top = false;     ///< the target is the arg-max
  double denseNll = 0;  ///< these only in lockstep with the dense model
  double kl = 0;
  bool denseTop = false;
  bool sameTop = false;
  bool operator==(const TokenScore&) const = default;
};

/// One scored item: a perplexity chunk, a choice question. Runs are compared item by item, and an interrupted evaluation is
/// taken up from the samples it left: everything a result is made of is in them.
struct Sample {
  std::int64_t item = 0;  ///< index in the task's data
  /// Text: "nll", "nll2" (sum of squares), "tokens", "bytes", sums over the item's scored tokens; "offset", the byte of the
  /// text where they begin. Choices: "correct", "correct_norm" (0 or 1), "gold", "answer", "answer_norm", "ll0", "ll1" ...
  /// (log-likelihoods). Generation: "correct", "tokens". "dense.NAME": the dense model's, where it ran beside.
  /// "engaged.NAME": what the strategies did in this item. In lockstep "kl.sum", "kl.same_top", "kl.delta_p": sums over
  /// "kl.positions".
  std::map<std::string, double> values;
  std::vector<TokenScore> positions;  ///< only in lockstep: what the divergence's percentiles need
};

/// Whether a metric's or a sample's value of this name is a time ("ms", "draft.ms", "gained_bits_per_ms"): never the same twice.
bool isTiming(std::string_view name);

/// Positions as bytes of a store and back; bytes that are not what packPositions() made are none.
std::string packPositions(const std::vector<TokenScore>& positions);
std::vector<TokenScore> unpackPositions(std::string_view bytes);

/// KL divergence of the plan's next-token distribution from the dense model's, both run in lockstep (llama.cpp's
/// statistics). Nats.
struct KlStatistics {
  /// A distribution's value at each of kQuantiles, the first its minimum, the last its maximum.
  static constexpr std::array kQuantiles{0.0, 0.001, 0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 0.999, 1.0};
  using Quantiles = std::array<double, kQuantiles.size()>;
  static double at(const Quantiles& quantiles, double q);  ///< q must be one of kQuantiles

  double mean = 0, meanStderr = 0;
  Quantiles divergence{};
  double median() const { return at(divergence, 0.5); }
  double p99() const { return at(divergence, 0.99); }
  double maximum() const { return divergence.back(); }
  double sameTop = 0, sameTopStderr = 0;     ///< share of positions whose arg-max agrees
  double meanDeltaP = 0, meanDeltaPStderr = 0;  ///< of the true token's probability, plan minus dense
  double rmsDeltaP = 0, rmsDeltaPStderr = 0;
  Quantiles deltaP{};
  Metric perplexity, densePerplexity;  ///< over the same positions
  double logPerplexityRatio = 0, logPerplexityRatioStderr = 0;  ///< ln of plan's over dense's; the error knows their covariance
  double correlation = 0;              ///< of ln of the two perplexities, that is of the two log-likelihoods, over positions
  std::int64_t n = 0;                        ///< positions
};

struct EvaluationOptions {
  std::string task = "wikitext2";         ///< registered task name (evaluation/task.h)
  std::filesystem::path data;             ///< the user's own data in the task's form; empty: the bundled data
  std::int64_t limit = 0;                 ///< items (chunks, questions); 0: all
  std::int64_t context = 512;             ///< tokens of a perplexity chunk
  bool againstDense = false;              ///< KL divergence and paired difference
  std::uint64_t seed = 0;
  /// Stop early once the standard error of the task's first metric is no greater (after at least kFewestItems items, as an
  /// error from fewer is itself a guess); 0: score everything. For a share of right answers the error is that of the
  /// posterior under a flat prior, so that a run of equal answers does not pass for certainty.
  double untilStderr = 0;
  static constexpr std::int64_t kFewestItems = 16;
};

/// An item that could not be asked, and why: a prompt longer than the model's context ...
struct SkippedItem {
  std::int64_t item = 0;
  std::string reason;
};

struct EvaluationResult {
  std::string task;
  std::map<std::string, Metric> metrics;  ///< "perplexity", "bits_per_byte", "acc", "acc_norm" ...
  std::vector<Sample> samples;
  std::vector<SkippedItem> skipped;       ///< not in the metrics
  std::vector<std::string> notes;         ///< what a reader of these numbers must know
  /// Against dense only: the divergence, the dense model's own metrics of the same items, and for each metric the difference
  /// (plan minus dense) with the standard error of the item-by-item difference.
  std::optional<KlStatistics> kl;
  std::map<std::string, Metric> dense, paired;
  /// Over the whole run: counts and times added up; sizes of the cache, rates and scores averaged over the items.
  std::map<std::string, double> engaged;
  std::string dataFingerprint;
  double seconds = 0;
};

struct EvaluationHooks {
  std::stop_token stop;
  std::function<void(std::int64_t done, std::int64_t total)> progress = [](std::int64_t, std::int64_t) {};
  std::function<void(const Sample&)> sample = [](const Sample&) {};  ///< each as it ends
  /// Samples of an interrupted attempt at the very same evaluation: taken instead of scoring those items again (they are in
  /// the result's samples; `sample` is not called for them).
  std::vector<Sample> known;
};

/// Scores `prepared` under the plan's key/value strategies and activations (and decoding, for generation tasks). `dense` is the
/// untouched model, needed for againstDense only.
Result<EvaluationResult> evaluate(std::shared_ptr<const Model> prepared, std::shared_ptr<const Model> dense, const Plan& plan,
                                  const EvaluationOptions& options, ThreadPool& pool, const EvaluationHooks& hooks = {});

/// What latency and memory cost, measured alone on the machine.
struct BenchOptions {
  std::int64_t prompt = 128, generate = 64;
  std::int64_t depth = 0;  ///< tokens in the sequence before the prompt, not timed
  std::vector<std::int64_t> moreDepths = {};  ///< speeds are measured at these, too
  int repetitions = 5;                        ///< at least so many
  double interval = 0;                        ///< go on until the speed's 95 % interval is median ± this share; 0: do not
  int maximumRepetitions = 40;                ///< but not beyond so many
  int warmup = 1;  ///< at least so many before, not counted, and then until two in a row take the same time; 0: none at all
  std::uint64_t seed = 0;
  bool bandwidth = true;  ///< measure the machine's around the repetitions, in a buffer of a quarter of a gigabyte or more
  /// How the decode strategy finds the models it names (DecodeSetup::load); empty: loadModel.
  std::function<Result<std::shared_ptr<const Model>>(const std::string& source)> load = {};
};
struct BenchResult {
  struct Spread {
    double median = 0, low = 0, high = 0;  ///< low, high: an interval of the median over repetitions (order statistics)
    std::vector<double> samples;
    /// The probability that the interval holds the median: at least 0.95 from six repetitions on; below, 1 - 2^(1-n) of the
    /// extremes, which is all that so few can say (five: 0.9375; one: 0).
    double confidence = 0;
    double relativeHalfWidth() const { return median != 0 ? (high - low) / 2 / median : 0; }
  };
  Spread prefillTokensPerSecond, decodeTokensPerSecond, ttftMs;  ///< decode: no samples when only one token was generated
  struct AtDepth {
    std::int64_t depth = 0;
    Spread prefillTokensPerSecond, decodeTokensPerSecond, ttftMs;
  };
  std::vector<AtDepth> atDepths;  ///< of options.moreDepths
  double tokensPerStep = 0;       ///< generated after the first, per step of the decode strategy (speculation: more than 1)
  int warmups = 0;                ///< that were run
  bool warm = true;               ///< the last two of them took the same time (within 5 %)
  int threads = 0;
  double itlP50Ms = 0, itlP90Ms = 0, itlP99Ms = 0;
  double readBandwidthGBs = 0;   ///< of the machine with the same threads: median of what was measured around the repetitions, at most twice a second
  std::vector<double> roundTripsNs;  ///< a cache line's, from the driver's core to the one furthest from it and back (core/round_trip.h), with each of those
  ArithmeticPeak arithmetic;     ///< with the same threads, at the start
  int linearDigits = 0, headDigits = 0;  ///< bytes that activations meet the layers' and the head's weights as; 0: floats
  double bandwidthUsed = 0;      ///< fraction, median over repetitions: bytes that decoding reads / its time / bandwidth last measured before and after
  double noise = 0;              ///< a fixed probe before each repetition and after the last: (slowest - fastest) / median;
                                 ///< > 0.1 is high
  double loadAverage = 0;        ///< of the last minute, when it began
  /// Readings after each repetition: mean frequency, highest temperature; energy of a repetition (median). Absent where the
  /// system offers none.
  std::optional<double> frequencyMHz, temperatureC, packageJoules, dramJoules;
  std::string frequencySource, temperatureSource;
  MemoryUse memory;
  std::uint64_t peakBytes = 0;   ///< the process's (VmHWM) while it ran, from when model and prompt were ready; 0 where the
                                 ///< system does not tell
  std::map<std::string, Cost> operations;         ///< per kind, of the last repetition's decoding
  std::map<std::string, Cost> prefillOperations;  ///< and of its prefill
  std::vector<std::map<std::string, Cost>> layers;  ///< the decoding again, layer by layer
  std::map<std::string, double> engaged;
};
/// From this noise on a timing is not to be trusted.
inline constexpr double kHighNoise = 0.1;

/// Runs the plan on natural text (the bundled WikiText where the model has a tokenizer, else random ids), warm-ups and then
/// repetitions: prefill of `prompt` tokens, then the decode strategy until `generate` tokens are out. TTFT is from the prompt to the
/// first token; gaps between tokens are pooled over repetitions (tokens of one burst come together). A plan with a search is
/// timed through generate(): its tokens come out when the search ends.
Result<BenchResult> bench(std::shared_ptr<const Model> prepared, const Plan& plan, const BenchOptions& options, ThreadPool& pool,
                          const EvaluationHooks& hooks = {});

}  // namespace ts
