// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and values in IEEE half precision: 2 bytes a value, what llama.cpp stores by default.
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
  void encodeKeys(const float* rows, int dim, std::byte* out) const override { floatToHalf(rows, std::int64_t{kGroup} * dim, reinterpret_cast<std::uint16_t*>(out)); }
  void decodeKeys(const std::byte* group, int dim, float* rows) const override { halfToFloat(reinterpret_cast<const std::uint16_t*>(group), std::int64_t{kGroup} * dim, rows); }
};

const Registration kF16({.id = "f16",
                         .family = Family::KeyValue,
                         .title = "f16 cache",
                         .help = "keys and values in half precision; the last 32 rows stay float32",
                         .claims = {"kv.codec"}},
                        Make<KvCodec>([](const Settings&) { return std::make_unique<F16Codec>(); }));

}  // namespace
}  // namespace ts
