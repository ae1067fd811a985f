// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/buffer.h"
#include "engine/kernels/attention.h"
#include "engine/kv/strategy.h"

namespace ts {

/// A codec whose products decode a group (32 rows stay in the first-level cache) and use the float32 kernels, so that a
/// format only says how rows become bytes and bytes rows.
class DecodingCodec : public KvCodec {
 public:
  static constexpr int kGroup = 32;
  int group() const override { return kGroup; }
  void dotKeys(const std::byte* group, int dim, const float* query, float* scores) const override {
    float* rows = scratch(dim);
    decodeKeys(group, dim, rows);
    dotRows(query, rows, kGroup, dim, scores);
  }
  void addValues(const std::byte* group, int dim, const float* weights, float* out) const override {
    float* rows = scratch(dim);
    decodeValues(group, dim, rows);
    axpyRows(weights, rows, kGroup, dim, out);
  }

 private:
  static float* scratch(int dim) {
    thread_local Buffer<float> buffer;
    if (buffer.size() < static_cast<std::size_t>(kGroup * dim)) buffer.resize(static_cast<std::size_t>(kGroup * dim));
    return buffer.data();
  }
};

}  // namespace ts
