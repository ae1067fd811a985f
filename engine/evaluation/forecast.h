// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "engine/core/ledger.h"
#include "engine/core/result.h"
#include "engine/model/model.h"
#include "engine/session/plan.h"

namespace ts {

/// What a run will need, told before it runs.
struct RunForecast {
  MemoryUse use;             ///< by kind, as the ledger will count it
  std::uint64_t passing = 0; ///< a prompt's rows until they are encoded, gone when decoding has begun
  std::uint64_t tokenizer = 0;
  std::uint64_t program = 0; ///< code, libraries and their tables
  bool atMost = false;       ///< a policy will evict rows; how many is not foreseen
  std::uint64_t total() const { return use.total() + passing + tokenizer + program; }
};

/// For a session that reaches `positions` tokens in chunks of at most `prompt`, on a model of this shape whose packed matrices
/// take `weightBytes`. `threads`: 0: one per core. Errors: a plan whose draft model cannot be opened.
Result<RunForecast> forecastRun(const ModelConfig& config, std::uint64_t weightBytes, const Plan& plan, std::int64_t positions,
                                std::int64_t prompt, int threads);

/// Bytes the checkpoint's matrices take once they are packed in their own formats.
std::uint64_t packedBytes(const Checkpoint& checkpoint);

}  // namespace ts
