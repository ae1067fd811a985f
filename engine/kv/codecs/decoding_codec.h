// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>

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
    eachGroup(rows, [&](std::int64_t g, Range within, std::int64_t at) {
      decodeKeys(group + static_cast<std::size_t>(g) * keyGroupBytes(dim), dim, decoded);
      toKeyPanels({decoded, kGroup, dim, dim}, panels);
      ts::scoreKeys(queries, panels, within, {scores.data + at, scores.count, within.size(), scores.stride});
    });
  }
  void addValues(const std::byte* group, ConstRows weights, Range rows, Rows out) const override {
    const int dim = static_cast<int>(out.width);
    float* decoded = scratch(dim);
    eachGroup(rows, [&](std::int64_t g, Range within, std::int64_t at) {
      decodeValues(group + static_cast<std::size_t>(g) * valueGroupBytes(dim), dim, decoded);
      ts::addValues({weights.data + at, weights.count, within.size(), weights.stride}, decoded + within.begin * dim, out);
    });
  }

 private:
  /// body(group, rows within it, how many rows were before).
  template <class Body>
  static void eachGroup(Range rows, Body body) {
    for (std::int64_t i = rows.begin; i < rows.end;) {
      const std::int64_t g = i / kGroup, end = std::min(rows.end, (g + 1) * kGroup);
      body(g, Range{i - g * kGroup, end - g * kGroup}, i - rows.begin);
      i = end;
    }
  }
  static float* scratch(int values) {
    thread_local Buffer<float> buffer;
    if (buffer.size() < static_cast<std::size_t>(kGroup * values)) buffer.resize(static_cast<std::size_t>(kGroup * values));
    return buffer.data();
  }
};

}  // namespace ts
