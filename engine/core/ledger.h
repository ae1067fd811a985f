// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ts {

/// The kinds of operation a run is made of; one roofline point each.
enum class Operation { Embedding, Norm, Linear, Attention, KvWrite, Activation, Head, Sampling, Policy, Count };
std::string_view name(Operation operation);

/// What one kind of operation has cost so far in a run.
struct Cost {
  std::uint64_t bytes = 0;        ///< read from memory (weights, key/value rows), not counting activations
  std::uint64_t operations = 0;   ///< multiply-adds count two
  std::uint64_t nanoseconds = 0;  ///< wall time of the driving thread
  std::uint64_t calls = 0;

  void add(const Cost& more) {
    bytes += more.bytes;
    operations += more.operations;
    nanoseconds += more.nanoseconds;
    calls += more.calls;
  }
};

/// Counts every operation of one run, and of each layer. One writer: the thread that drives the session, or whoever works in a lane
/// (model/lanes.h), what is counted there being added to the session's afterwards.
class Ledger {
 public:
  /// While it lives, what is added belongs to `layer`. Takes memory at a layer's first time only.
  class InLayer {
   public:
    InLayer(Ledger& ledger, int layer) : ledger_(ledger) {
      if (layer >= ledger.layers()) ledger.layers_.resize(static_cast<std::size_t>(layer) + 1);
      ledger.layer_ = layer;
    }
    ~InLayer() { ledger_.layer_ = kOutside; }
    InLayer(const InLayer&) = delete;
    InLayer& operator=(const InLayer&) = delete;

   private:
    Ledger& ledger_;
  };
  void add(Operation operation, const Cost& cost) {
    const auto i = static_cast<std::size_t>(operation);
    sum_[i].add(cost);
    if (layer_ != kOutside) layers_[static_cast<std::size_t>(layer_)][i].add(cost);
  }
  /// What another has counted, layers left out of account.
  void add(const Ledger& more);
  const Cost& of(Operation operation) const { return sum_[static_cast<std::size_t>(operation)]; }
  const Cost& of(int layer, Operation operation) const { return layers_[static_cast<std::size_t>(layer)][static_cast<std::size_t>(operation)]; }
  int layers() const { return static_cast<int>(layers_.size()); }
  Cost total() const;
  void clear();

 private:
  static constexpr int kOutside = -1;  // of no layer: embedding, head, sampling
  using Costs = std::array<Cost, static_cast<std::size_t>(Operation::Count)>;
  Costs sum_{};
  std::vector<Costs> layers_;
  int layer_ = kOutside;
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
