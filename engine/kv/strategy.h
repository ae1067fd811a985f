// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/core/thread_pool.h"

namespace ts {

/// How committed key and value rows are stored (engine/kv/codecs/: one file each).
///
/// A row is `dim` floats of one key/value head. Rows are encoded in groups of group() consecutive rows of the head's
/// list; one row of a group can be read alone. Group g covers rows [g * group(), (g+1) * group()).
///
/// Which form of row p (encoded or full precision) a query at row t sees depends on p and t alone: the last
/// residual() rows and an unfinished group are full precision. So prefill, decode and verification agree.
class KvCodec {
 public:
  virtual ~KvCodec() = default;
  virtual std::string name() const = 0;
  virtual int group() const { return 1; }
  virtual int residual() const { return 0; }
  /// Bytes one encoded group takes for rows of `dim` floats (keys or values), scales included.
  virtual std::size_t keyGroupBytes(int dim) const = 0;
  virtual std::size_t valueGroupBytes(int dim) const { return keyGroupBytes(dim); }
  virtual void encodeKeys(const float* rows, int dim, std::byte* out) const = 0;  ///< group() rows, `dim` apart
  virtual void encodeValues(const float* rows, int dim, std::byte* out) const { encodeKeys(rows, dim, out); }
  /// scores.row(q)[i] = queries.row(q) . key row rows.begin + i, counted from the first of `group`; the groups of a head
  /// follow each other. The queries of several heads and tokens share the reading of the rows. float32 sums in a fixed order
  /// whatever the queries and rows asked for together.
  virtual void scoreKeys(const std::byte* group, ConstRows queries, Range rows, Rows scores) const = 0;
  /// out.row(q) += sum over i of weights.row(q)[i] * value row rows.begin + i, counted likewise, rows in order.
  virtual void addValues(const std::byte* group, ConstRows weights, Range rows, Rows out) const = 0;
  /// The group's rows as floats; the reference, and what re-encoding after an eviction reads.
  virtual void decodeKeys(const std::byte* group, int dim, float* rows) const = 0;
  virtual void decodeValues(const std::byte* group, int dim, float* rows) const { decodeKeys(group, dim, rows); }
};

/// One key/value head's committed rows as a policy sees them.
struct HeadView {
  int layer = 0;
  int head = 0;
  std::int64_t nextPosition = 0;             ///< position the next token will have
  std::span<const std::int32_t> positions;   ///< true position of each row, ascending
  std::span<const float> mass;               ///< attention mass each row has received (summed over the head's queries), if asked
};

/// Which rows are kept or seen (engine/kv/policies/: one file each).
class KvPolicy {
 public:
  virtual ~KvPolicy() = default;
  virtual std::string name() const = 0;

  /// Visibility that is a function of positions alone: a query at t sees row p iff p < sinks or t - p < window
  /// (0: no window). Rows no later query can see are freed.
  virtual std::int64_t sinks() const { return 0; }
  virtual std::int64_t window() const { return 0; }
  /// LM-Infinite: relative distances above this count as this much in RoPE (0: no cap).
  virtual std::int64_t distanceCap() const { return 0; }

  /// The policy evicts when the number of committed tokens reaches a multiple of interval() (0: never). No batch of rows
  /// crosses such a boundary, so the result does not depend on how rows travel.
  virtual std::int64_t interval() const { return 0; }
  virtual bool wantsMass() const { return false; }
  /// Rows to keep, as ascending indices into view.positions. Called at each boundary for each head.
  virtual void keep(const HeadView& view, std::vector<std::int32_t>& indices) const { (void)view, (void)indices; }
};

}  // namespace ts
