// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and values in 8 bits: blocks of 32 values of one row share a float32 scale, codes round to nearest in [-127, 127]
// (GGUF's Q8_0 with a wider scale). 1.125 bytes a value. Error of a value: at most half its block's scale,
// max|x| / 254. Verified against that bound and against plain rounding.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/kv/codecs/decoding_codec.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

constexpr int kBlock = 32;

class Q8Codec final : public DecodingCodec {
 public:
  std::string name() const override { return "q8"; }
  /// Per row: the blocks' scales, then dim codes.
  std::size_t keyGroupBytes(int dim) const override { return static_cast<std::size_t>(kGroup) * rowBytes(dim); }

  void encodeKeys(const float* rows, int dim, std::byte* out) const override {
    for (int r = 0; r < kGroup; ++r, rows += dim, out += rowBytes(dim)) {
      auto* codes = reinterpret_cast<std::int8_t*>(out + static_cast<std::size_t>(blocks(dim)) * sizeof(float));
      for (int b = 0; b < blocks(dim); ++b) {
        const int begin = b * kBlock, end = std::min(dim, begin + kBlock);
        float largest = 0;
        for (int i = begin; i < end; ++i) largest = std::max(largest, std::abs(rows[i]));
        const float scale = largest / 127.0f;
        std::memcpy(out + static_cast<std::size_t>(b) * sizeof(float), &scale, sizeof scale);
        const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
        for (int i = begin; i < end; ++i) codes[i] = static_cast<std::int8_t>(std::clamp(std::lrintf(rows[i] * inverse), -127l, 127l));
      }
    }
  }

  void decodeKeys(const std::byte* group, int dim, float* rows) const override {
    for (int r = 0; r < kGroup; ++r, rows += dim, group += rowBytes(dim)) {
      const auto* codes = reinterpret_cast<const std::int8_t*>(group + static_cast<std::size_t>(blocks(dim)) * sizeof(float));
      for (int b = 0; b < blocks(dim); ++b) {
        float scale;
        std::memcpy(&scale, group + static_cast<std::size_t>(b) * sizeof(float), sizeof scale);
        const int begin = b * kBlock, end = std::min(dim, begin + kBlock);
        for (int i = begin; i < end; ++i) rows[i] = scale * static_cast<float>(codes[i]);
      }
    }
  }

 private:
  static int blocks(int dim) { return (dim + kBlock - 1) / kBlock; }
  /// Rounded up so that the next row's scales are aligned.
  static std::size_t rowBytes(int dim) { return static_cast<std::size_t>(blocks(dim)) * sizeof(float) + static_cast<std::size_t>((dim + 3) / 4 * 4); }
};

const Registration kQ8({.id = "q8",
                        .family = Family::KeyValue,
                        .title = "8-bit cache",
                        .help = "keys and values in 8 bits, one scale for 32 values; the last 32 rows stay float32",
                        .claims = {"kv.codec"}},
                       Make<KvCodec>([](const Settings&) { return std::make_unique<Q8Codec>(); }));

}  // namespace
}  // namespace ts
