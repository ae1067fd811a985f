// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ts {

/// Value types that the store gives and the desktop shows. They know no SQL and no Qt.

enum class RunState { Queued, Running, Done, Failed, Refused, Cancelled, Interrupted };
std::string_view name(RunState state);  ///< "queued" ... "interrupted"
std::optional<RunState> runState(std::string_view text);

struct MetricValue {
  double value = 0;
  std::optional<double> stderr_;
  std::optional<std::int64_t> n;
  bool operator==(const MetricValue&) const = default;
};

struct HostRecord {
  std::int64_t id = 0;
  std::string cpu, isa, kernel, name;
  int cores = 0;
  std::int64_t memoryBytes = 0;
};

struct ModelRecord {
  std::int64_t id = 0;
  std::string path, name, architecture, format, fingerprint;
  std::int64_t parameters = 0, fileBytes = 0;
};

/// One plan on one model on one machine: the row of the run table and the point of the front.
struct RunRecord {
  std::int64_t id = 0;
  std::int64_t sweep = 0;  ///< the one that made it; 0: none
  std::string key;         ///< hash(model fingerprint, plan, task, data, bench, seed, engine version, machine)
  ModelRecord model;
  HostRecord host;
  std::string plan;                             ///< canonical text
  std::string commandLine;                      ///< `tradespace-cli ...`, ready to copy
  std::map<std::string, std::string> settings;  ///< "weights", "weights.awq.bits", "kv", "decode" ... for diff and axes
  std::string task;
  std::string dataFingerprint;  ///< of the scored items; empty until quality was measured
  std::uint64_t seed = 0;
  RunState state = RunState::Queued;
  std::string failureKind, message;  ///< for Failed, Refused
  std::string engineVersion;
  std::string started, finished;               ///< ISO 8601, UTC
  std::map<std::string, MetricValue> metrics;  ///< "perplexity", "decode_tokens_per_s", "bytes_total" ...
  std::map<std::string, double> engaged;
  std::map<std::string, std::string> provenance;  ///< "isa", "library.onednn", "build.flags", "draft.fingerprint" ...
  bool noisy = false;
  std::string note;
};

/// What one stage of a run (quality, latency) found.
struct Measurements {
  std::map<std::string, MetricValue> metrics;
  std::map<std::string, double> engaged;
  std::map<std::string, std::string> provenance;
  std::string dataFingerprint;  ///< empty: leave as it is
  std::optional<bool> noisy = {};  ///< marks the run or takes the mark away; empty: leave as it is
};

struct SampleRecord {
  std::int64_t item = 0;
  std::map<std::string, double> values;
  std::string positions = {};  ///< the engine's bytes, kept until the run is done; read by unfinishedSamples() only
};

struct SweepRecord {
  std::int64_t id = 0;
  std::string name, created, text;  ///< text: the sweep file; created: ISO 8601, UTC (empty when adding: now)
  std::int64_t plans = 0;
};

}  // namespace ts
