// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/core/ledger.h"
#include "engine/core/thread_pool.h"

namespace ts {

/// What meets quantized weights: exact float32 activations (the default), or int8 in blocks of 32 along K.
enum class Activations { F32, Q8 };

/// Rows up to which the narrow kernels are used whatever was measured, so that decode and verification agree bit for bit.
inline constexpr std::int64_t kNarrowRows = 16;

/// What one session, or a lane of it (model/lanes.h), computes with: the team of threads, scratch memory per worker, the ledger, the activation setting.
struct Execution {
  explicit Execution(ThreadPool& pool, Activations activations = Activations::F32)
      : pool(pool), activations(activations), scratch(static_cast<std::size_t>(pool.size())) {}

  /// At least n floats of the worker's own scratch, contents undefined. Grows, never shrinks.
  float* scratchFor(int worker, std::size_t n) {
    auto& buffer = scratch[static_cast<std::size_t>(worker)];
    if (buffer.size() < n) buffer.resize(n);
    return buffer.data();
  }
  std::size_t scratchBytes() const {
    std::size_t sum = (shared.size() + middle.size()) * sizeof(float);
    for (const auto& b : scratch) sum += b.size() * sizeof(float);
    return sum;
  }

  ThreadPool& pool;
  Activations activations;
  std::vector<Buffer<float>> scratch;  ///< one a worker
  Buffer<float> shared;                ///< one for all workers, between barriers (packed activations)
  Buffer<float> middle;                ///< between the two products of a low-rank matrix, which must not be one itself
  Ledger ledger;
};

}  // namespace ts
