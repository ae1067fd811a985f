// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ts {

/// The kinds of operation a run is made of; one roofline point each.
enum class Operation { Embedding, Norm, Linear, Attention, KvWrite, Activation, Head, Sampling, Policy, Count };
std::string_view name(Operation operation);

/// What one kind of operation has cost so far in a run.
struct Cost {
  std::uint64_t bytes = 0;        ///< read from memory (weights, key/value rows), not counting activations
  std::uint64_t operations = 0;   ///< multiply-adds count two
  std::uint64_t nanoseconds = 0;  ///< wall time of the calling thread
  std::uint64_t calls = 0;
};

/// Counts every operation of one run. One writer: the thread that drives the session.
class Ledger {
 public:
  void add(Operation operation, const Cost& cost) {
    Cost& c = costs_[static_cast<std::size_t>(operation)];
    c.bytes += cost.bytes;
    c.operations += cost.operations;
    c.nanoseconds += cost.nanoseconds;
    c.calls += cost.calls;
  }
  const Cost& of(Operation operation) const { return costs_[static_cast<std::size_t>(operation)]; }
  Cost total() const;
  void clear() { costs_ = {}; }

 private:
  std::array<Cost, static_cast<std::size_t>(Operation::Count)> costs_{};
};

/// Bytes of memory by what they are for; the sum is compared with the process's own peak.
struct MemoryUse {
  std::uint64_t weights = 0;  ///< packed, as the kernels read them
  std::uint64_t kv = 0;       ///< rows, scales and full-precision tail
  std::uint64_t scratch = 0;  ///< activations, logits, unpacking buffers
  std::uint64_t draft = 0;    ///< a draft model and its cache, n-gram tables
  std::uint64_t total() const { return weights + kv + scratch + draft; }
};

}  // namespace ts
