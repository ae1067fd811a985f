// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "engine/core/result.h"
#include "experiments/schedule/runner.h"
#include "experiments/spec/sweep.h"
#include "experiments/store/records.h"

namespace ts {

/// The row of a plan before it is measured: key, canonical text, settings (all parameters with defaults filled in),
/// command line. `dataFingerprint`: of the user's own task data, empty for bundled data. Errors: a plan whose
/// parameters are not valid.
Result<RunRecord> describe(const Sweep& sweep, const PlannedRun& planned, const ModelRecord& model,
                           const HostRecord& host, const std::string& dataFingerprint);

/// XXH3-128 of a file's bytes, hex.
Result<std::string> fileFingerprint(const std::filesystem::path& path);

/// The metrics of a stage by the store's names ("kl_mean", "same_top", "decode_tokens_per_s", "bytes_weights" ...).
Measurements measurementsOf(const EvaluationResult& result);
Measurements measurementsOf(const BenchResult& result);

/// Names of metrics that tell how long a stage took; the first also tells that quality is complete.
inline constexpr const char* kQualitySeconds = "quality_seconds";
inline constexpr const char* kLatencySeconds = "latency_seconds";
inline constexpr const char* kPrepareSeconds = "prepare_seconds";

/// From this relative change of the probe before and after on, a timing counts as noisy.
inline constexpr double kHighNoise = 0.1;

}  // namespace ts
