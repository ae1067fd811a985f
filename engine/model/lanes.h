// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/weights/execution.h"

namespace ts {

/// Activations of one pass; sized for the most rows seen.
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
  Lane& of(int worker) { return *lanes_[static_cast<std::size_t>(worker)]; }
  std::size_t bytes() const;

  /// Adds to `ledger` what all lanes have counted since they were asked last, for `parts` parts of some rows which took `nanoseconds`
  /// together: calls, and bytes from memory, as if the rows had gone together.
  void addTo(Ledger& ledger, std::int64_t parts, std::uint64_t nanoseconds);

  static constexpr std::int64_t kRows = 32;  ///< that a worker takes at once: what the kernels' tile of digits has
  /// Whether weights of so many bytes wait in the cache for the next few rows.
  static bool cached(std::size_t bytes);

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace ts
