// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>

#include "engine/core/page_storage.h"
#include "engine/core/thread_pool.h"

namespace ts {

/// Reads whole memory words in blocks of 256 bytes, as fast as a core can: their sum. What is left of a block is not read.
std::uint64_t sumOfBytes(const std::byte* data, std::size_t bytes);

/// A buffer in huge pages, as weights are, of which every worker of the pool sums its own part.
class ReadProbe {
 public:
  /// Touches the buffer; stops when asked to.
  ReadProbe(ThreadPool& pool, std::size_t bytes, const std::stop_token& stop = {});
  /// Reads it once: GB/s.
  double pass();

 private:
  ThreadPool& pool_;
  std::size_t bytes_;
  PageStorage storage_;
};

/// Read bandwidth of the memory in GB/s with every worker of the pool summing its own part of a buffer of several times
/// the last-level cache: the best of a few passes, so a short disturbance is not seen, a lasting one is. Takes a tenth of a
/// second and 256 MiB or more while it runs. Asked to stop, it returns soon and what it says is worth nothing.
double measureReadBandwidth(ThreadPool& pool, const std::stop_token& stop = {});

}  // namespace ts
