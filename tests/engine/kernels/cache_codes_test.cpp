// SPDX-License-Identifier: GPL-3.0-or-later
// Codes of a key/value cache against plain loops, and products straight from them against those of what they decode to: to
// the bit, on every instruction set this machine has.
#include "engine/kernels/cache_codes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "engine/kernels/attention.h"
#include "engine/kernels/isa.h"

namespace ts {
namespace {

class CacheCodesTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = kernelIsa();
    ASSERT_TRUE(forceIsa(GetParam()));
  }
  void TearDown() override { forceIsa(before_); }
  std::string before_;
  std::mt19937 random_{7};

  std::vector<std::int8_t> bytes(std::int64_t n) {
    std::vector<std::int8_t> b(static_cast<std::size_t>(n));
    for (std::int8_t& x : b) x = static_cast<std::int8_t>(static_cast<int>(random_() % 256) - 128);
    return b;
  }
  std::vector<float> floats(std::int64_t n) {
    std::normal_distribution<float> normal;
    std::vector<float> f(static_cast<std::size_t>(n));
    for (float& x : f) x = normal(random_);
    return f;
  }

  /// Products straight from `groups` are those of its rows decoded to panels and, unless there are none, to values.
  template <class Groups>
  void expectTheBitsOf(const std::vector<float>& panels, const std::vector<float>& values, const Groups& groups) {
    const std::int64_t dim = groups.dim, rows = static_cast<std::int64_t>(panels.size()) / dim;
    for (std::int64_t count = 1; count <= kFewQueries; ++count)
      for (const Range range : {Range{0, rows}, Range{0, 1}, Range{5, 31}, Range{31, 33}, Range{32, 64}, Range{17, 90}}) {
        const auto queries = floats(count * dim), weights = floats(count * range.size());
        std::vector<float> scores(static_cast<std::size_t>(count * range.size())), decoded = scores;
        const ConstRows q(queries.data(), count, dim, dim);
        scoreCodes(q, groups, range, {scores.data(), count, range.size(), range.size()});
        scoreKeys(q, panels.data(), range, {decoded.data(), count, range.size(), range.size()});
        ASSERT_EQ(scores, decoded) << dim << " values, " << count << " queries, rows from " << range.begin;
        if (values.empty()) continue;
        const ConstRows w(weights.data(), count, range.size(), range.size());
        auto out = floats(count * dim), wanted = out;
        addCodes(w, groups, range, {out.data(), count, dim, dim});
        addValues(w, values.data() + range.begin * dim, {wanted.data(), count, dim, dim});
        ASSERT_EQ(out, wanted) << dim << " values, " << count << " queries, rows from " << range.begin;
      }
  }
};
const std::int64_t kDims[] = {6, 8, 32, 33, 40, 64, 80, 128};

TEST_P(CacheCodesTest, BytesBecomeRowsAndPanels) {
  for (const std::int64_t dim : kDims) {
    const std::int64_t blocks = codeBlocks(dim), rows = 5, panels = 3;
    const auto codes = bytes(panels * dim * kKeyPanel);
    const auto scales = floats(panels * blocks * kKeyPanel);
    std::vector<float> out(static_cast<std::size_t>(rows * dim)), wanted;
    bytesToRows(codes.data(), scales.data(), rows, dim, out.data());
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < dim; ++i)
        wanted.push_back(scales[static_cast<std::size_t>(r * blocks + i / 32)] * static_cast<float>(codes[static_cast<std::size_t>(r * dim + i)]));
    EXPECT_EQ(out, wanted) << dim;
    out.assign(codes.size(), 0), wanted.clear();
    bytesToKeyPanels(codes.data(), scales.data(), panels, dim, out.data());
    for (std::int64_t p = 0; p < panels; ++p)
      for (std::int64_t i = 0; i < dim; ++i)
        for (std::int64_t lane = 0; lane < kKeyPanel; ++lane)
          wanted.push_back(scales[static_cast<std::size_t>((p * blocks + i / 32) * kKeyPanel + lane)] * static_cast<float>(codes[static_cast<std::size_t>((p * dim + i) * kKeyPanel + lane)]));
    EXPECT_EQ(out, wanted) << dim;
  }
}

TEST_P(CacheCodesTest, NibblesGoWhereTheyAreWanted) {
  constexpr std::int64_t count = 7, step = 40, apart = 19;
  std::vector<NibbleBlock> blocks(count);
  std::vector<float> out(count * step, -1), wanted = out;
  for (std::size_t b = 0; b < count; ++b) {
    blocks[b].scale = 0.1f * static_cast<float>(b + 1), blocks[b].minimum = -static_cast<float>(b);
    for (std::size_t i = 0; i < 16; ++i) {
      blocks[b].codes[i] = static_cast<std::uint8_t>(random_() % 256);
      wanted[b * step + i] = blocks[b].minimum + blocks[b].scale * static_cast<float>(blocks[b].codes[i] & 15);
      wanted[b * step + apart + i] = blocks[b].minimum + blocks[b].scale * static_cast<float>(blocks[b].codes[i] >> 4);
    }
  }
  nibblesToFloats(blocks.data(), count, step, apart, out.data());
  EXPECT_EQ(out, wanted);
}

TEST_P(CacheCodesTest, ProductsStraightFromBytesAreThoseOfWhatTheyDecodeTo) {
  constexpr std::int64_t groups = 3, rows = groups * kCodeGroup;
  for (const std::int64_t dim : kDims) {
    std::vector<float> memory(groups * ByteGroups::bytes(dim) / sizeof(float));  // scales are floats
    const ByteGroups all{reinterpret_cast<const std::byte*>(memory.data()), dim};
    std::vector<float> panels(static_cast<std::size_t>(rows * dim)), values(panels.size());
    for (std::int64_t g = 0; g < groups; ++g) {
      const auto codes = bytes(kCodeGroup * dim);
      const auto scales = floats(kCodeGroup * codeBlocks(dim));
      std::copy(scales.begin(), scales.end(), const_cast<float*>(all.scales(g)));
      std::copy(codes.begin(), codes.end(), const_cast<std::int8_t*>(all.codes(g)));
      bytesToKeyPanels(all.codes(g), all.scales(g), 2, dim, panels.data() + g * kCodeGroup * dim);
      bytesToRows(all.codes(g), all.scales(g), kCodeGroup, dim, values.data() + g * kCodeGroup * dim);
    }
    expectTheBitsOf(panels, values, all);
  }
}

TEST_P(CacheCodesTest, ProductsStraightFromNibblesAreThoseOfWhatTheyDecodeTo) {
  constexpr std::int64_t groups = 3, rows = groups * kCodeGroup;
  for (const std::int64_t dim : {8, 32, 40, 64, 96}) {
    std::vector<NibbleBlock> blocks(static_cast<std::size_t>(groups * dim));
    for (NibbleBlock& b : blocks) {
      b.scale = std::normal_distribution<float>()(random_), b.minimum = std::normal_distribution<float>()(random_);
      for (std::uint8_t& c : b.codes) c = static_cast<std::uint8_t>(random_() % 256);
    }
    const NibbleGroups all{blocks.data(), dim};
    std::vector<float> panels(static_cast<std::size_t>(rows * dim)), values(panels.size());
    for (std::int64_t g = 0; g < groups; ++g) nibblesToFloats(blocks.data() + g * dim, dim, kKeyPanel, kKeyPanel * dim, panels.data() + g * kCodeGroup * dim);
    nibblesToFloats(blocks.data(), groups * dim, kCodeBlock, kCodeBlock / 2, values.data());
    expectTheBitsOf(panels, dim % kCodeBlock == 0 ? values : std::vector<float>(), all);
  }
}

TEST(NearestCode, RoundsToTheNearestEven) {
  for (int i = -1000; i <= 1000; ++i) {
    const float x = static_cast<float>(i) * 0.25f;
    EXPECT_EQ(nearestCode(x), std::lrintf(x)) << x;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, CacheCodesTest, testing::ValuesIn(availableIsas()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace ts
