// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/buffer.h"
#include "engine/kernels/attention.h"
#include "engine/kv/strategy.h"

namespace ts {

/// A codec whose products decode a group (32 rows stay in the first-level cache) once for all queries and use the float32
/// kernels, so that a format only says how rows become bytes and bytes rows.
class DecodingCodec : public KvCodec {
 public:
  static constexpr int kGroup = 32;
  int group() const override { return kGroup; }
  void scoreKeys(const std::byte* group, ConstRows queries, Range rows, Rows scores) const override {
    const int dim = static_cast<int>(queries.width);
    float* decoded = scratch(2 * dim);
    float* panels = decoded + kGroup * dim;
    decodeKeys(group, dim, decoded);
    toKeyPanels(decoded, kGroup, dim, panels);
    ts::scoreKeys(queries, panels, rows, scores);
  }
  void addValues(const std::byte* group, ConstRows weights, Range rows, Rows out) const override {
    const int dim = static_cast<int>(out.width);
    float* decoded = scratch(dim);
    decodeValues(group, dim, decoded);
    ts::addValues(weights, decoded + rows.begin * dim, out);
  }

 private:
  static float* scratch(int values) {
    thread_local Buffer<float> buffer;
    if (buffer.size() < static_cast<std::size_t>(kGroup * values)) buffer.resize(static_cast<std::size_t>(kGroup * values));
    return buffer.data();
  }
};

}  // namespace ts
