// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and values in 8 bits: blocks of 32 values of one row share a float32 scale, codes round to nearest in [-127, 127]
// (GGUF's Q8_0 with a wider scale). 1.125 bytes a value. Error of a value: at most half its block's scale,
// max|x| / 254. Verified against that bound and against plain rounding.
//
// How they lie: ByteGroups (kernels/cache_codes.h).
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/kernels/cache_codes.h"
#include "engine/kv/codecs/decoding_codec.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

/// Where the scale of a row's block and the code of a row's value lie.
struct ByRow {
  std::int64_t dim;
  std::int64_t scaleAt(std::int64_t r, std::int64_t block) const { return r * codeBlocks(dim) + block; }
  std::int64_t codeAt(std::int64_t r, std::int64_t i) const { return r * dim + i; }
};
struct ByPanel {
  std::int64_t dim;
  std::int64_t scaleAt(std::int64_t r, std::int64_t block) const { return inKeyPanels(r, block, codeBlocks(dim)); }
  std::int64_t codeAt(std::int64_t r, std::int64_t i) const { return inKeyPanels(r, i, dim); }
};

static_assert(kCodeGroup == DecodingCodec::kGroup);

class Q8Codec final : public DecodingCodec {
 public:
  std::string name() const override { return "q8"; }
  std::size_t keyGroupBytes(int dim) const override { return ByteGroups::bytes(dim); }
  void encodeKeys(const float* rows, int dim, std::byte* out) const override { encode(rows, ByPanel{dim}, out); }
  void encodeValues(const float* rows, int dim, std::byte* out) const override { encode(rows, ByRow{dim}, out); }
  void decodeKeys(const std::byte* group, int dim, float* rows) const override {
    const ByPanel at{dim};
    const ByteGroups g{group, dim};
    for (std::int64_t r = 0; r < kGroup; ++r)
      for (std::int64_t i = 0; i < dim; ++i) *rows++ = g.scales(0)[at.scaleAt(r, i / kCodeBlock)] * static_cast<float>(g.codes(0)[at.codeAt(r, i)]);
  }
  void decodeValues(const std::byte* group, int dim, float* rows) const override {
    const ByteGroups g{group, dim};
    bytesToRows(g.codes(0), g.scales(0), kGroup, dim, rows);
  }
  void scoreKeys(const std::byte* group, ConstRows queries, Range rows, Rows scores) const override {
    queries.count <= kFewQueries ? scoreCodes(queries, ByteGroups{group, queries.width}, rows, scores) : DecodingCodec::scoreKeys(group, queries, rows, scores);
  }
  void addValues(const std::byte* group, ConstRows weights, Range rows, Rows out) const override {
    weights.count <= kFewQueries ? addCodes(weights, ByteGroups{group, out.width}, rows, out) : DecodingCodec::addValues(group, weights, rows, out);
  }

 protected:
  void decodeKeyPanels(const std::byte* group, int dim, float* panels) const override {
    const ByteGroups g{group, dim};
    bytesToKeyPanels(g.codes(0), g.scales(0), kGroup / kKeyPanel, dim, panels);
  }

 private:
  template <class Places>
  static void encode(const float* rows, Places at, std::byte* out) {
    auto* scales = reinterpret_cast<float*>(out);
    auto* codes = reinterpret_cast<std::int8_t*>(out + ByteGroups::scaleBytes(at.dim));
    for (std::int64_t r = 0; r < kGroup; ++r, rows += at.dim)
      for (std::int64_t b = 0; b < codeBlocks(at.dim); ++b) {
        const std::int64_t begin = b * kCodeBlock, end = std::min(at.dim, begin + kCodeBlock);
        float largest = 0;
        for (std::int64_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(rows[i]));
        const float scale = largest / 127.0f, inverse = scale >= std::numeric_limits<float>::min() ? 1.0f / scale : 0.0f;
        scales[at.scaleAt(r, b)] = scale;
        for (std::int64_t i = begin; i < end; ++i) codes[at.codeAt(r, i)] = static_cast<std::int8_t>(std::clamp(nearestCode(rows[i] * inverse), -127, 127));
      }
  }
};

const Registration kQ8({.id = "q8",
                        .family = Family::KeyValue,
                        .title = "8-bit cache",
                        .help = "keys and values in 8 bits, one scale for 32 values; the last 32 rows stay float32",
                        .claims = {"kv.codec"}},
                       Make<KvCodec>([](const Settings&) { return std::make_unique<Q8Codec>(); }));

}  // namespace
}  // namespace ts
