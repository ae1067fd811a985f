// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and values in 4 bits after KIVI (Liu et al., arXiv 2402.02750): keys share scale and minimum down a channel over 32
// rows (their outliers live in fixed channels), values along a row over 32 values; the last rows stay float32.
// Codes 0..15, value = minimum + scale * code, float32 scale and minimum: 0.75 bytes a value.
// Error of a value: at most half a step, (max - min) / 30 of its group. Verified against that bound, and that channel-wise
// keys lose less than row-wise ones where channels differ in size.
#include <algorithm>
#include <limits>

#include "engine/kernels/cache_codes.h"
#include "engine/kv/codecs/decoding_codec.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

constexpr int kBlock = DecodingCodec::kGroup;
static_assert(kBlock == kCodeBlock && kBlock == kCodeGroup && sizeof(NibbleBlock) == 24);

void quantize(const float* values, std::int64_t stride, NibbleBlock& q) {
  float low = values[0], high = values[0];
  for (int i = 1; i < kBlock; ++i) {
    low = std::min(low, values[i * stride]);
    high = std::max(high, values[i * stride]);
  }
  q.minimum = low;
  q.scale = (high - low) / 15.0f;
  const float inverse = q.scale >= std::numeric_limits<float>::min() ? 1.0f / q.scale : 0.0f;
  const auto code = [&](int i) { return static_cast<std::uint8_t>(std::clamp(nearestCode((values[i * stride] - low) * inverse), 0, 15)); };
  for (int i = 0; i < kBlock / 2; ++i) q.codes[i] = static_cast<std::uint8_t>(code(i) | code(i + kBlock / 2) << 4);
}

/// A group is 32 rows, so both axes give dim blocks of 32 values: block d is channel d, or the d-th run of 32 along the rows.
class Q4Codec final : public DecodingCodec {
 public:
  explicit Q4Codec(bool keysByChannel) : keysByChannel_(keysByChannel) {}
  std::string name() const override { return "q4"; }
  std::size_t keyGroupBytes(int dim) const override { return static_cast<std::size_t>(dim) * sizeof(NibbleBlock); }
  void encodeKeys(const float* rows, int dim, std::byte* out) const override { encode(rows, dim, keysByChannel_, out); }
  void encodeValues(const float* rows, int dim, std::byte* out) const override { encode(rows, dim, false, out); }
  void decodeKeys(const std::byte* group, int dim, float* rows) const override {
    if (!keysByChannel_) return decodeValues(group, dim, rows);
    for (int d = 0; d < dim; ++d) {
      const NibbleBlock& q = blocks(group)[d];
      for (int r = 0; r < kBlock / 2; ++r) {
        rows[r * dim + d] = q.minimum + q.scale * static_cast<float>(q.codes[r] & 15);
        rows[(r + kBlock / 2) * dim + d] = q.minimum + q.scale * static_cast<float>(q.codes[r] >> 4);
      }
    }
  }
  void decodeValues(const std::byte* group, int dim, float* rows) const override { nibblesToFloats(blocks(group), dim, kBlock, kBlock / 2, rows); }
  void scoreKeys(const std::byte* group, ConstRows queries, Range rows, Rows scores) const override {
    if (queries.count > kFewQueries || !keysByChannel_) return DecodingCodec::scoreKeys(group, queries, rows, scores);
    scoreCodes(queries, NibbleGroups{blocks(group), queries.width}, rows, scores);
  }
  void addValues(const std::byte* group, ConstRows weights, Range rows, Rows out) const override {
    if (weights.count > kFewQueries || out.width % kBlock != 0) return DecodingCodec::addValues(group, weights, rows, out);
    addCodes(weights, NibbleGroups{blocks(group), out.width}, rows, out);
  }

 protected:
  /// A channel's first 16 rows are its values in the group's first panel, the others in the second.
  void decodeKeyPanels(const std::byte* group, int dim, float* panels) const override {
    if (!keysByChannel_) return DecodingCodec::decodeKeyPanels(group, dim, panels);
    static_assert(kBlock / 2 == kKeyPanel);
    nibblesToFloats(blocks(group), dim, kKeyPanel, std::int64_t{kKeyPanel} * dim, panels);
  }

 private:
  static const NibbleBlock* blocks(const std::byte* group) { return reinterpret_cast<const NibbleBlock*>(group); }
  static void encode(const float* rows, int dim, bool byChannel, std::byte* out) {
    auto* q = reinterpret_cast<NibbleBlock*>(out);
    for (int d = 0; d < dim; ++d) byChannel ? quantize(rows + d, dim, q[d]) : quantize(rows + std::ptrdiff_t{d} * kBlock, 1, q[d]);
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
