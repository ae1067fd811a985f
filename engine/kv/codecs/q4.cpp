// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and values in 4 bits after KIVI (Liu et al., arXiv 2402.02750): keys share scale and minimum down a channel over 32
// rows (their outliers live in fixed channels), values along a row over 32 values; the last rows stay float32.
// Codes 0..15, value = minimum + scale * code, float32 scale and minimum: 0.75 bytes a value.
// Error of a value: at most half a step, (max - min) / 30 of its group. Verified against that bound, and that channel-wise
// keys lose less than row-wise ones where channels differ in size.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/kv/codecs/decoding_codec.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

constexpr int kBlock = DecodingCodec::kGroup;

/// 32 values that share scale and minimum: two floats, then 16 bytes with value i in the low and i + 16 in the high nibble.
struct Quantized32 {
  float scale, minimum;
  std::uint8_t codes[kBlock / 2];
};

void quantize(const float* values, std::int64_t stride, Quantized32& q) {
  float low = values[0], high = values[0];
  for (int i = 1; i < kBlock; ++i) {
    low = std::min(low, values[i * stride]);
    high = std::max(high, values[i * stride]);
  }
  q.minimum = low;
  q.scale = (high - low) / 15.0f;
  const float inverse = q.scale > 0 ? 1.0f / q.scale : 0.0f;
  const auto code = [&](int i) { return static_cast<std::uint8_t>(std::clamp(std::lrintf((values[i * stride] - low) * inverse), 0l, 15l)); };
  for (int i = 0; i < kBlock / 2; ++i) q.codes[i] = static_cast<std::uint8_t>(code(i) | code(i + kBlock / 2) << 4);
}

void dequantize(const Quantized32& q, std::int64_t stride, float* values) {
  for (int i = 0; i < kBlock / 2; ++i) {
    values[i * stride] = q.minimum + q.scale * static_cast<float>(q.codes[i] & 15);
    values[(i + kBlock / 2) * stride] = q.minimum + q.scale * static_cast<float>(q.codes[i] >> 4);
  }
}

/// A group is 32 rows, so both axes give dim blocks of 32 values: block d is channel d, or the d-th run of 32 along the rows.
class Q4Codec final : public DecodingCodec {
 public:
  explicit Q4Codec(bool keysByChannel) : keysByChannel_(keysByChannel) {}
  std::string name() const override { return "q4"; }
  std::size_t keyGroupBytes(int dim) const override { return static_cast<std::size_t>(dim) * sizeof(Quantized32); }
  void encodeKeys(const float* rows, int dim, std::byte* out) const override { encode(rows, dim, keysByChannel_, out); }
  void decodeKeys(const std::byte* group, int dim, float* rows) const override { decode(group, dim, keysByChannel_, rows); }
  void encodeValues(const float* rows, int dim, std::byte* out) const override { encode(rows, dim, false, out); }
  void decodeValues(const std::byte* group, int dim, float* rows) const override { decode(group, dim, false, rows); }

 private:
  static void encode(const float* rows, int dim, bool byChannel, std::byte* out) {
    for (int d = 0; d < dim; ++d) {
      Quantized32 q;
      byChannel ? quantize(rows + d, dim, q) : quantize(rows + std::ptrdiff_t{d} * kBlock, 1, q);
      std::memcpy(out + static_cast<std::size_t>(d) * sizeof q, &q, sizeof q);
    }
  }
  static void decode(const std::byte* group, int dim, bool byChannel, float* rows) {
    for (int d = 0; d < dim; ++d) {
      Quantized32 q;
      std::memcpy(&q, group + static_cast<std::size_t>(d) * sizeof q, sizeof q);
      byChannel ? dequantize(q, dim, rows + d) : dequantize(q, 1, rows + std::ptrdiff_t{d} * kBlock);
    }
  }
  bool keysByChannel_;
};

const Registration kQ4({.id = "q4",
                        .family = Family::KeyValue,
                        .title = "4-bit cache (KIVI)",
                        .help = "keys and values in 4 bits, scale and minimum for 32 values; the last 32 rows stay float32",
                        .paper = "KIVI, arXiv 2402.02750",
                        .parameters = {{.name = "keys",
                                        .type = ParameterType::Choice,
                                        .fallback = std::string("channel"),
                                        .help = "what shares a scale among keys: a channel over 32 rows, or 32 values of a row",
                                        .choices = {"channel", "row"}}},
                        .claims = {"kv.codec"}},
                       Make<KvCodec>([](const Settings& s) { return std::make_unique<Q4Codec>(s.text("keys") == "channel"); }));

}  // namespace
}  // namespace ts
