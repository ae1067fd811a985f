// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/kernels/product.h"
#include "engine/weights/execution.h"

namespace ts {

struct Block;

/// Activations of the rows that go together through a block; sized for the most seen.
struct Workspace {
  Buffer<float> normed, q, k, v, attended, projected, gate, up;
  std::size_t bytes() const;
};

/// What each worker has to take rows through a block by itself while the others take theirs. Its own activations stay in its caches;
/// those of rows that go together are written by all workers and read by all of them.
class Lanes {
 public:
  struct Lane {
    explicit Lane(Activations activations) : execution(alone, activations) {}
    ThreadPool alone{1};
    Execution execution;
    Workspace workspace;
  };

  Lanes(int workers, Activations activations);
  int count() const { return static_cast<int>(lanes_.size()); }
  Lane& of(int worker) { return *lanes_[static_cast<std::size_t>(worker)]; }
  std::size_t bytes() const;

  /// Forgets what the lanes have counted.
  void clearLedgers();
  /// Adds to `ledger` what all lanes have counted since, in `nanoseconds` of wall time. `lastPart`: what the last rows counted, whose bytes
  /// are those of all, the first rows to come reading the weights from memory, the others from the cache, and so are its calls (but where
  /// the rows that are asked for begin in an earlier part: it then makes queries with keys, in a call less).
  void addTo(Ledger& ledger, const Ledger& lastPart, std::uint64_t nanoseconds) const;

  static constexpr std::int64_t kRows = kDigitRows;  ///< that a worker takes at once, at most
  /// Whether many rows go through the block in lanes. They do where an activation is one byte, so that multiplying takes so little time
  /// that moving activations between cores takes a part of it, and where the weights are cached.
  static bool suit(const Block& block, Activations activations);
  /// Whether weights of so many bytes wait in the cache for the next few rows.
  static bool cached(std::size_t bytes);

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace ts
