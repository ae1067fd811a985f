// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include "engine/model/forward.h"

namespace ts {

RopeCache::RopeCache(const ModelConfig& config, std::int64_t contextLength) {
  for (const Rope& rope : config.ropes) {
    Table table;
    table.frequencies = ropeTable(rope, contextLength);
    table.width = static_cast<std::size_t>(rope.dims);
    tables_.push_back(std::move(table));
  }
}

void RopeCache::reserve(std::int64_t positions) {
  if (positions <= filled_) return;
  positions = std::max<std::int64_t>(positions, filled_ + 256);
  for (Table& table : tables_) {
    table.values.resize(static_cast<std::size_t>(positions) * table.width);
    const std::size_t half = table.width / 2;
    const double factor = table.frequencies.attentionFactor;
    for (std::int64_t p = filled_; p < positions; ++p) {
      float* row = table.values.data() + static_cast<std::size_t>(p) * table.width;
      for (std::size_t i = 0; i < half; ++i) {
        const double angle = static_cast<double>(p) * table.frequencies.inverseFrequencies[i];
        row[i] = static_cast<float>(std::cos(angle) * factor);
        row[half + i] = static_cast<float>(std::sin(angle) * factor);
      }
    }
  }
  filled_ = positions;
}

std::size_t RopeCache::bytes() const {
  std::size_t sum = 0;
  for (const Table& table : tables_) sum += table.values.size() * sizeof(float);
  return sum;
}

}  // namespace ts
