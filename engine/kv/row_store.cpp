// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kv/row_store.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace ts {
namespace {
/// Full-precision rows that are no longer visible are dropped in batches of this many, so that the list is not moved each token.
constexpr std::int64_t kStaleRows = 64;

/// Rows for which a panel is not transposed as a whole.
constexpr std::int64_t kFewRows = 4;

template <class T>
void append(PagedBuffer<T>& to, const T* from, std::size_t n) { to.insert(to.end(), from, from + n); }
}  // namespace

HeadRows::HeadRows(std::shared_ptr<const KvCodec> codec, int dim, bool wantsMass)
    : codec_(std::move(codec)), stride_(static_cast<std::size_t>(dim)), wantsMass_(wantsMass) {
  if (!codec_) return;
  group_ = codec_->group();
  residual_ = std::max(codec_->residual(), kTail);
  keyGroupBytes_ = codec_->keyGroupBytes(dim);
  valueGroupBytes_ = codec_->valueGroupBytes(dim);
}

void HeadRows::reserve(std::int64_t rows) {
  const auto n = static_cast<std::size_t>(rows);
  positions_.reserve(n);
  if (wantsMass_) mass_.reserve(n);
  if (codec_) {  // most rows will be encoded; the others are few and forgotten in batches
    encodedKeys_.reserve(n / static_cast<std::size_t>(group_) * keyGroupBytes_);
    encodedValues_.reserve(n / static_cast<std::size_t>(group_) * valueGroupBytes_);
    return;
  }
  keys_.reserve(static_cast<std::size_t>(keyPanels(rows) * kKeyPanel) * stride_);
  values_.reserve(n * stride_);
}

void HeadRows::makeRoom(std::int64_t rows) {
  // Where nothing is encoded lists go on growing, and as vectors do.
  if (!codec_ || rows <= kTail) return;
  // With those of the pass before that are still to be seen: no pass needs more room than the first.
  const std::int64_t left = std::max<std::int64_t>(size() - fullBegin_, residual_ + group_ + kStaleRows), all = left + rows;
  keys_.reserve(static_cast<std::size_t>(keyPanels(all) * kKeyPanel) * stride_);
  values_.reserve(static_cast<std::size_t>(all) * stride_);
}

void HeadRows::clear() {
  positions_.clear(), mass_.clear();
  keys_.clear(), values_.clear(), encodedKeys_.clear(), encodedValues_.clear();
  committed_ = encoded_ = fullBegin_ = 0;
}

std::int64_t HeadRows::boundary(std::int64_t m) const {
  if (!codec_) return 0;
  return std::max<std::int64_t>(0, m + 1 - residual_) / group_ * group_;
}

void HeadRows::expectRow() const {
  if (size() % kKeyPanel == 0) return;  // a panel that is begun as a whole
  const float* key = keys_.data() + keyAt(size());
  for (std::size_t i = 0; i < stride_; ++i) __builtin_prefetch(key + i * kKeyPanel, 1);
  const float* value = values_.data() + values_.size();
  for (std::size_t i = 0; i < stride_; i += kAlignment / sizeof(float)) __builtin_prefetch(value + i, 1);
}

std::array<Stretch, 2> HeadRows::first(std::size_t bytes) const {
  if (codec_ && boundary(size()) > 0)
    return {Stretch{encodedKeys_.data(), std::min(bytes, encodedKeys_.size())}, Stretch{encodedValues_.data(), std::min(bytes, encodedValues_.size())}};
  const auto of = [&](const PagedBuffer<float>& rows) { return Stretch{reinterpret_cast<const std::byte*>(rows.data()), std::min(bytes, rows.size() * sizeof(float))}; };
  return {of(keys_), of(values_)};
}

void HeadRows::append(std::span<const std::int32_t> positions, ConstRows keys, ConstRows values) {
  const std::int64_t before = size(), count = keys.count;
  assert(values.count == count && static_cast<std::int64_t>(positions.size()) >= count && keys.width == dim() && values.width == dim());
  keys_.resize(static_cast<std::size_t>(keyPanels(before + count - fullBegin_) * kKeyPanel) * stride_);
  // Into the panel that is begun, and few of them, one by one; the others as whole panels.
  const std::int64_t first = count < kFewRows ? count : std::min(count, keyPanels(before) * kKeyPanel - before);
  for (std::int64_t r = 0; r < first; ++r) {
    float* to = keys_.data() + keyAt(before + r);
    for (std::size_t i = 0; i < stride_; ++i) to[i * kKeyPanel] = keys.row(r)[i];
  }
  if (first < count) toKeyPanels({keys.row(first), count - first, keys.width, keys.stride}, keys_.data() + keyAt(before + first));
  for (std::int64_t r = 0; r < count; ++r) ts::append(values_, values.row(r), stride_);
  positions_.insert(positions_.end(), positions.begin(), positions.begin() + count);
  if (wantsMass_) mass_.resize(positions_.size());
}

void HeadRows::fullKey(std::int64_t index, float* key) const {
  const float* from = keys_.data() + keyAt(index);
  for (std::size_t i = 0; i < stride_; ++i) key[i] = from[i * kKeyPanel];
}

void HeadRows::encode(std::int64_t lastQuery) {
  if (!codec_) return;
  const std::int64_t target = boundary(lastQuery);
  std::vector<float> rows(encoded_ < target ? static_cast<std::size_t>(group_) * stride_ : 0);
  for (; encoded_ < target; encoded_ += group_) {
    for (int i = 0; i < group_; ++i) fullKey(encoded_ + i, rows.data() + static_cast<std::size_t>(i) * stride_);
    encodedKeys_.resize(encodedKeys_.size() + keyGroupBytes_);
    encodedValues_.resize(encodedValues_.size() + valueGroupBytes_);
    codec_->encodeKeys(rows.data(), dim(), encodedKeys_.data() + encodedKeys_.size() - keyGroupBytes_);
    codec_->encodeValues(fullValues(encoded_), dim(), encodedValues_.data() + encodedValues_.size() - valueGroupBytes_);
  }
}

void HeadRows::commit(std::span<const std::int32_t> offsets) {
  std::int64_t to = committed_;
  for (const std::int32_t offset : offsets) {
    const std::int64_t from = committed_ + offset;
    assert(from >= to && from < size());
    if (from != to) {
      for (std::size_t i = 0; i < stride_; ++i) keys_[keyAt(to) + i * kKeyPanel] = keys_[keyAt(from) + i * kKeyPanel];
      const auto f = static_cast<std::size_t>(from - fullBegin_) * stride_, t = static_cast<std::size_t>(to - fullBegin_) * stride_;
      std::memcpy(values_.data() + t, values_.data() + f, stride_ * sizeof(float));
      positions_[static_cast<std::size_t>(to)] = positions_[static_cast<std::size_t>(from)];
      if (wantsMass_) mass_[static_cast<std::size_t>(to)] = mass_[static_cast<std::size_t>(from)];
    }
    ++to;
  }
  committed_ = to;
  dropDraft();
  const bool fewRows = offsets.size() <= kTail;
  encode(committed_ + kTail - 1);  // the deepest node of the next draft; kTail keeps every row below that boundary committed
  forgetCovered();
  // A prompt's passes have left room that decoding never fills.
  if (codec_ && fewRows && values_.capacity() > 8 * static_cast<std::size_t>(kTail) * stride_ && values_.capacity() > 2 * values_.size())
    keys_.shrink_to_fit(), values_.shrink_to_fit();
}

void HeadRows::dropDraft() {
  positions_.resize(static_cast<std::size_t>(committed_));
  if (wantsMass_) mass_.resize(static_cast<std::size_t>(committed_));
  keys_.resize(static_cast<std::size_t>(keyPanels(committed_ - fullBegin_) * kKeyPanel) * stride_);
  values_.resize(static_cast<std::size_t>(committed_ - fullBegin_) * stride_);
  // A cancelled prefill may have encoded rows that were never committed; their full rows are still here.
  const std::int64_t whole = committed_ / group_ * group_;
  if (encoded_ > whole) {
    encoded_ = whole;
    encodedKeys_.resize(static_cast<std::size_t>(encoded_ / group_) * keyGroupBytes_);
    encodedValues_.resize(static_cast<std::size_t>(encoded_ / group_) * valueGroupBytes_);
  }
}

void HeadRows::forgetCovered() {
  // The next query's own row has index committed_; panels are dropped whole.
  const std::int64_t visible = std::min(boundary(committed_), encoded_) / kKeyPanel * kKeyPanel;
  if (visible - fullBegin_ < kStaleRows) return;
  const auto stale = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(visible - fullBegin_) * stride_);
  keys_.erase(keys_.begin(), keys_.begin() + stale);
  values_.erase(values_.begin(), values_.begin() + stale);
  fullBegin_ = visible;
}

void HeadRows::decodeRow(std::int64_t index, float* key, float* value) const {
  // The form the next query would see: what else is still in memory depends on how the rows came.
  if (index >= boundary(committed_)) {
    fullKey(index, key);
    std::memcpy(value, fullValues(index), stride_ * sizeof(float));
    return;
  }
  std::vector<float> rows(static_cast<std::size_t>(group_) * stride_);
  const auto at = static_cast<std::size_t>(index % group_) * stride_;
  codec_->decodeKeys(keyGroup(index / group_), dim(), rows.data());
  std::memcpy(key, rows.data() + at, stride_ * sizeof(float));
  codec_->decodeValues(valueGroup(index / group_), dim(), rows.data());
  std::memcpy(value, rows.data() + at, stride_ * sizeof(float));
}

void HeadRows::keepOnly(std::span<const std::int32_t> indices) {
  assert(size() == committed_);
  if (static_cast<std::int64_t>(indices.size()) == committed_) return;
  HeadRows kept(codec_, dim(), wantsMass_);
  const auto room = static_cast<std::int64_t>(indices.size()) + kStaleRows;  // and for the next rows
  kept.keys_.reserve(static_cast<std::size_t>(keyPanels(room) * kKeyPanel) * stride_);
  kept.values_.reserve(static_cast<std::size_t>(room) * stride_);
  std::vector<float> key(stride_), value(stride_);
  const auto width = static_cast<std::int64_t>(stride_);
  for (const std::int32_t index : indices) {
    decodeRow(index, key.data(), value.data());
    kept.append({positions_.data() + index, 1}, {key.data(), 1, width, width}, {value.data(), 1, width, width});
    if (wantsMass_) kept.mass_.back() = mass_[static_cast<std::size_t>(index)];
  }
  kept.committed_ = kept.size();
  if (codec_ && group_ == 1) {
    // Rows stored one by one keep their bytes: encoding what was decoded would round twice.
    const std::int64_t target = kept.boundary(kept.committed_ + kTail - 1);
    for (; kept.encoded_ < target; ++kept.encoded_) {
      const std::int32_t from = indices[static_cast<std::size_t>(kept.encoded_)];
      if (from >= encoded_) break;
      ts::append(kept.encodedKeys_, keyGroup(from), keyGroupBytes_);
      ts::append(kept.encodedValues_, valueGroup(from), valueGroupBytes_);
    }
  }
  kept.encode(kept.committed_ + kTail - 1);
  kept.forgetCovered();
  if (codec_) kept.keys_.shrink_to_fit(), kept.values_.shrink_to_fit();  // most of the room was for what is encoded now
  *this = std::move(kept);
}

std::size_t HeadRows::bytes() const {
  return (keys_.size() + values_.size() + mass_.size()) * sizeof(float) + encodedKeys_.size() + encodedValues_.size() + positions_.size() * sizeof(std::int32_t);
}

std::size_t HeadRows::bytesRead() const {
  const std::int64_t encoded = boundary(size() - 1);
  return static_cast<std::size_t>(encoded / group_) * (keyGroupBytes_ + valueGroupBytes_) + static_cast<std::size_t>(size() - encoded) * 2 * stride_ * sizeof(float);
}

}  // namespace ts
