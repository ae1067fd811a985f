// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>

#include "engine/core/buffer.h"
#include "engine/kernels/attention.h"
#include "engine/kv/strategy.h"

namespace ts {

/// A codec whose products decode some groups once for all queries and use the float32 kernels, so that a format need only say
/// how rows become bytes and bytes rows; what is faster from its codes it does itself.
class DecodingCodec : public KvCodec {
 public:
  static constexpr int kGroup = 32;
  int group() const override { return kGroup; }
  void scoreKeys(const std::byte* group, ConstRows queries, Range rows, Rows scores) const override {
    const int dim = static_cast<int>(queries.width);
    float* panels = scratch(kGroup * together(dim) * dim);
    eachRun(rows, together(dim), [&](std::int64_t first, std::int64_t groups, Range within, std::int64_t at) {
      for (std::int64_t g = 0; g < groups; ++g)
        decodeKeyPanels(group + static_cast<std::size_t>(first + g) * keyGroupBytes(dim), dim, panels + g * kGroup * dim);
      ts::scoreKeys(queries, panels, within, {scores.data + at, scores.count, within.size(), scores.stride});
    });
  }
  void addValues(const std::byte* group, ConstRows weights, Range rows, Rows out) const override {
    const int dim = static_cast<int>(out.width);
    float* decoded = scratch(kGroup * together(dim) * dim);
    eachRun(rows, together(dim), [&](std::int64_t first, std::int64_t groups, Range within, std::int64_t at) {
      for (std::int64_t g = 0; g < groups; ++g)
        decodeValues(group + static_cast<std::size_t>(first + g) * valueGroupBytes(dim), dim, decoded + g * kGroup * dim);
      ts::addValues({weights.data + at, weights.count, within.size(), weights.stride}, decoded + within.begin * dim, out);
    });
  }

 protected:
  /// A group's keys in panels (kernels/attention.h).
  virtual void decodeKeyPanels(const std::byte* group, int dim, float* panels) const {
    thread_local Buffer<float> rows;
    if (rows.size() < static_cast<std::size_t>(kGroup * dim)) rows.resize(static_cast<std::size_t>(kGroup * dim));
    decodeKeys(group, dim, rows.data());
    toKeyPanels({rows.data(), kGroup, dim, dim}, panels);
  }

 private:
  /// Groups that are half of a first-level cache.
  static std::int64_t together(std::int64_t dim) { return std::max<std::int64_t>(1, 4096 / (kGroup * dim)); }
  /// body(first group, groups, rows counted from the first of it, how many rows were before).
  template <class Body>
  static void eachRun(Range rows, std::int64_t together, Body body) {
    for (std::int64_t i = rows.begin; i < rows.end;) {
      const std::int64_t first = i / kGroup, begin = first * kGroup, end = std::min(rows.end, begin + together * kGroup);
      body(first, (end - begin + kGroup - 1) / kGroup, Range{i - begin, end - begin}, i - rows.begin);
      i = end;
    }
  }
  static float* scratch(std::int64_t floats) {
    thread_local Buffer<float> buffer;
    if (buffer.size() < static_cast<std::size_t>(floats)) buffer.resize(static_cast<std::size_t>(floats));
    return buffer.data();
  }
};

}  // namespace ts
