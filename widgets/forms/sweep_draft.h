// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/spec/sweep.h"

namespace ts {

/// What the Experiment page edits: a sweep file as the user writes it, ranges and lists not yet expanded. A value, so that
/// undo is keeping the one before.
struct SweepDraft {
  struct Group {
    /// Alternatives of one family, each a chain with lists and ranges ("q4:group=32|64"); "" is "off".
    std::vector<std::string> weights{""}, kv{""}, decode{""}, sample{""}, search{""};
    bool activationsF32 = true, activationsQ8 = false;
    std::vector<std::string>& of(Family family);
    const std::vector<std::string>& of(Family family) const { return const_cast<Group*>(this)->of(family); }
    bool operator==(const Group&) const = default;
  };
  std::string name = "sweep", model = "embedded:ts-16m";
  bool quality = true, latency = true;
  std::string task = "wikitext2", data;
  std::int64_t limit = 8, context = 512;
  bool againstDense = true;
  double untilStderr = 0;  ///< 0: score all items
  std::int64_t prompt = 128, generate = 64;
  std::vector<std::int64_t> depths{0};  ///< at least one
  int repetitions = 3, warmup = 1;
  double interval = 0;  ///< share of the median; 0: no more repetitions than those
  int maximumRepetitions = BenchOptions{}.maximumRepetitions;
  bool memory = false;  ///< the peak, in a process of its own
  std::string method = "grid";
  std::int64_t budget = 24;
  std::uint64_t seed = 1;
  int threads = 0;
  std::vector<std::string> objectives{"perplexity", "-decode_tokens_per_s"}, constraints;
  std::vector<Group> groups{Group{}};

  bool operator==(const SweepDraft&) const = default;
};

/// The families a sweep varies, in the order of the page.
inline constexpr std::array kSweepFamilies{Family::Weights, Family::KeyValue, Family::Decoding, Family::Sampling, Family::Search};

std::string toJson(const SweepDraft& draft);
/// Reads a sweep file, checked as the scheduler checks it; lists and ranges stay as they were written.
Result<SweepDraft> draftOf(std::string_view json, std::string_view where);

}  // namespace ts
