// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>

#include "engine/core/result.h"
#include "experiments/schedule/runner.h"
#include "experiments/spec/sweep.h"
#include "experiments/store/records.h"

namespace ts {

/// What a run's numbers depend on beside the sweep, the plan and the model.
struct Identity {
  std::string data;        ///< fingerprint of the user's own task data; empty: the bundled data
  std::string arithmetic;  ///< what decides the order and rounding of sums on this machine
  std::map<std::string, std::string> provenance;
  /// Of the models that a plan names (a draft model).
  std::function<Result<std::string>(const std::string& source)> modelFingerprint =
      [](const std::string&) -> Result<std::string> { return std::string(); };
};

/// The row of a plan before it is measured: key, canonical text, settings (all parameters with defaults filled in),
/// command line, provenance. A model that a plan names and that cannot be read counts as "unknown": the plan will fail with
/// the reason. Errors: a plan whose parameters are not valid.
Result<RunRecord> describe(const Sweep& sweep, const PlannedRun& planned, const ModelRecord& model,
                           const HostRecord& host, const Identity& identity);

/// XXH3-128 of a file's bytes, hex.
Result<std::string> fileFingerprint(const std::filesystem::path& path);

/// The metrics of a stage by the store's names ("kl_mean", "same_top", "decode_tokens_per_s", "bytes_weights" ...).
Measurements measurementsOf(const EvaluationResult& result);
Measurements measurementsOf(const BenchResult& result);

/// Names of metrics that tell how long a stage took; the first also tells that quality is complete.
inline constexpr const char* kQualitySeconds = "quality_seconds";
inline constexpr const char* kLatencySeconds = "latency_seconds";
inline constexpr const char* kPrepareSeconds = "prepare_seconds";

}  // namespace ts
