// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/core/page_storage.h"
#include "engine/core/thread_pool.h"
#include "engine/kernels/attention.h"
#include "engine/kv/strategy.h"

namespace ts {

/// The key and value rows of one head of one layer: a ragged list in ascending position.
///
///   index    0 ........ encoded() ....... committed() .... size()
///            [ codec's groups        )
///                  [ full precision: from fullBegin()           )
///                                         [ uncommitted draft   )
///
/// A query whose own row has index m sees rows below boundary(m) in encoded form and the others in full precision:
/// a function of m alone, so the result does not depend on how rows travelled (promises 2 and 3).
class HeadRows {
 public:
  /// Rows that are always full precision at the end of the list; also the deepest draft a session runs.
  static constexpr int kTail = 32;

  HeadRows(std::shared_ptr<const KvCodec> codec, int dim, bool wantsMass);

  /// Makes room for so many rows, so that the lists need not be moved while they grow.
  void reserve(std::int64_t rows);
  /// No rows; the room stays.
  void clear();

  std::int64_t size() const { return static_cast<std::int64_t>(positions_.size()); }
  std::int64_t committed() const { return committed_; }
  std::span<const std::int32_t> positions() const { return positions_; }
  std::span<const float> mass() const { return mass_; }
  std::int64_t boundary(std::int64_t m) const;

  /// Makes room for a pass of so many rows, which may be encoded at its end, and for no more.
  void makeRoom(std::int64_t rows);
  /// Asks the cache for the memory that the next row will be written to.
  void expectRow() const;
  /// Rows of the draft, dim floats each.
  void append(std::span<const std::int32_t> positions, ConstRows keys, ConstRows values);
  /// Encodes what a query with own index `lastQuery` may see encoded; only for rows that are committed or sure to be.
  void encode(std::int64_t lastQuery);
  /// Keeps the draft rows with these offsets (ascending, counted from committed()), drops the others.
  void commit(std::span<const std::int32_t> offsets);
  void dropDraft();
  /// Attention mass that the row at `index` received.
  void addMass(std::int64_t index, float mass) { mass_[static_cast<std::size_t>(index)] += mass; }
  /// Evicts every committed row not listed (ascending indices). No draft may be pending.
  void keepOnly(std::span<const std::int32_t> indices);

  // Reading. Full-precision keys lie in panels of kKeyPanel rows (kernels/attention.h) that begin at multiples of it,
  // values one after another.
  const float* fullKeyPanel(std::int64_t index) const { return keys_.data() + keyAt(index / kKeyPanel * kKeyPanel); }
  const float* fullValues(std::int64_t first) const { return values_.data() + static_cast<std::size_t>(first - fullBegin_) * stride_; }
  void fullKey(std::int64_t index, float* key) const;
  const std::byte* keyGroup(std::int64_t group) const { return encodedKeys_.data() + static_cast<std::size_t>(group) * keyGroupBytes_; }
  const std::byte* valueGroup(std::int64_t group) const { return encodedValues_.data() + static_cast<std::size_t>(group) * valueGroupBytes_; }
  /// What a query that sees every row reads first of the keys, and of the values, `bytes` at most.
  std::array<Stretch, 2> first(std::size_t bytes) const;
  const KvCodec* codec() const { return codec_.get(); }
  int dim() const { return static_cast<int>(stride_); }

  std::size_t bytes() const;        ///< held
  std::size_t bytesRead() const;    ///< by one query that sees every row

 private:
  /// Place of a row's first value; the others follow kKeyPanel apart.
  std::size_t keyAt(std::int64_t index) const {
    return static_cast<std::size_t>((index - fullBegin_) / kKeyPanel * kKeyPanel) * stride_ + static_cast<std::size_t>(index % kKeyPanel);
  }
  void decodeRow(std::int64_t index, float* key, float* value) const;
  void forgetCovered();

  std::shared_ptr<const KvCodec> codec_;
  std::size_t stride_;
  std::size_t keyGroupBytes_ = 0, valueGroupBytes_ = 0;
  int group_ = 1, residual_ = 0;
  bool wantsMass_;
  std::vector<std::int32_t> positions_;
  std::vector<float> mass_;
  PagedBuffer<float> keys_, values_;  // rows [fullBegin_, size()); fullBegin_ is a multiple of kKeyPanel
  PagedBuffer<std::byte> encodedKeys_, encodedValues_;
  std::int64_t committed_ = 0, encoded_ = 0, fullBegin_ = 0;
};

}  // namespace ts
