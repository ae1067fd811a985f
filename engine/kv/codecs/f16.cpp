// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and values in IEEE half precision: 2 bytes a value, what llama.cpp stores by default. The attention kernels read
// them as they are: keys in panels of 16 rows, values row by row.
// Rows: dim values each. Error: relative 2^-11, saturating at 65504. Verified against the round-trip bound.
#include "engine/kernels/vector.h"
#include "engine/kv/codecs/decoding_codec.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

class F16Codec final : public DecodingCodec {
 public:
  std::string name() const override { return "f16"; }
  std::size_t keyGroupBytes(int dim) const override { return static_cast<std::size_t>(kGroup * dim) * 2; }
  void encodeKeys(const float* rows, int dim, std::byte* out) const override {
    Buffer<float> panels(static_cast<std::size_t>(kGroup * dim));
    toKeyPanels({rows, kGroup, dim, dim}, panels.data());
    floatToHalf(panels.data(), std::int64_t{kGroup} * dim, reinterpret_cast<std::uint16_t*>(out));
  }
  void decodeKeys(const std::byte* group, int dim, float* rows) const override {
    Buffer<float> panels(static_cast<std::size_t>(kGroup * dim));
    halfToFloat(halves(group), std::int64_t{kGroup} * dim, panels.data());
    for (std::int64_t r = 0; r < kGroup; ++r)
      for (int i = 0; i < dim; ++i) rows[r * dim + i] = panels[static_cast<std::size_t>(inKeyPanels(r, i, dim))];
  }
  void encodeValues(const float* rows, int dim, std::byte* out) const override { floatToHalf(rows, std::int64_t{kGroup} * dim, reinterpret_cast<std::uint16_t*>(out)); }
  void decodeValues(const std::byte* group, int dim, float* rows) const override { halfToFloat(halves(group), std::int64_t{kGroup} * dim, rows); }
  void scoreKeys(const std::byte* group, ConstRows queries, Range rows, Rows scores) const override { ts::scoreKeys(queries, halves(group), rows, scores); }
  void addValues(const std::byte* group, ConstRows weights, Range rows, Rows out) const override { ts::addValues(weights, halves(group) + rows.begin * out.width, out); }

 private:
  static const std::uint16_t* halves(const std::byte* group) { return reinterpret_cast<const std::uint16_t*>(group); }
};

const Registration kF16({.id = "f16",
                         .family = Family::KeyValue,
                         .title = "f16 cache",
                         .help = "keys and values in half precision; the last 32 rows stay float32",
                         .claims = {"kv.codec"}},
                        Make<KvCodec>([](const Settings&) { return std::make_unique<F16Codec>(); }));

}  // namespace
}  // namespace ts
