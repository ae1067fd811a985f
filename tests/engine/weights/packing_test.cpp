// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/weights/packed.h"
#include "samples.h"

namespace ts {
namespace {

using samples::floats;

std::vector<float> unpack(const Matrix& m) {
  std::vector<float> out(static_cast<std::size_t>(m.rows() * m.cols()));
  m.unpackRows(0, m.rows(), out.data());
  return out;
}

TEST(Packing, KeepsEveryCheckpointTypeBitForBit) {
  ThreadPool pool(2);
  for (const TensorType type : samples::kAllTypes)
    for (const std::int64_t rows : {1, 16, 37})
      for (std::int64_t cols : {32, 96, 256, 768, 40}) {
        if (cols % info(type).blockValues != 0) continue;
        const Tensor tensor = samples::tensor(type, rows, cols, 5);
        const MatrixPtr matrix = packTensor(tensor, pool);
        EXPECT_EQ(unpack(*matrix), tensor.toFloats()) << info(type).name << " " << rows << "x" << cols;
        EXPECT_EQ(matrix->rows(), rows);
        EXPECT_EQ(matrix->cols(), cols);
      }
}

TEST(Packing, PanelsAreStreamsOfWholeLines) {
  ThreadPool pool(1);
  for (const std::int64_t cols : {40, 96, 160, 320, 576, 768, 1280})
    for (const auto& sample : samples::all(18, cols, pool)) {
      const auto* packed = dynamic_cast<const PackedMatrix*>(sample.matrix.get());
      ASSERT_TRUE(packed);
      const PanelView& v = packed->view();
      EXPECT_EQ(packed->bytes(), static_cast<std::size_t>(v.panels) * v.panelBytes);
      EXPECT_GE(v.sectionBlocks, std::min<std::int64_t>(4, v.padded / kBlock)) << "kernels take four blocks at once";
      for (std::int64_t panel = 0; panel < v.panels; ++panel) {
        const std::byte* at = v.data + static_cast<std::size_t>(panel) * v.panelBytes;
        const std::byte* const end = at + v.panelBytes;
        std::int64_t blocks = 0;
        Section before{};
        for (std::int64_t i = 0; blocks < v.padded / kBlock; ++i) {
          const Section s = sectionOf(v, panel, i);
          ASSERT_GT(s.blocks, 0);
          const auto groups = static_cast<std::size_t>(groupsOf(v, s.blocks));
          EXPECT_EQ(reinterpret_cast<const std::byte*>(s.superScales), at) << "sections follow one another: " << sample.name << " " << cols;
          EXPECT_EQ(static_cast<std::size_t>(s.offsets - s.scales), groups * kPanel * static_cast<std::size_t>(scaleBytes(v.scaleKind)));
          EXPECT_GE(s.codes - s.offsets, static_cast<std::ptrdiff_t>(groups * kPanel * static_cast<std::size_t>(offsetBytes(v.offsetKind))));
          EXPECT_EQ(reinterpret_cast<std::uintptr_t>(s.codes) % 64, 0u);
          EXPECT_EQ(s.blocks * kBlock % v.group == 0 || blocks + s.blocks == v.padded / kBlock, true) << "whole groups";
          if (i > 0 && i < v.wholeSections) {
            toNext(v, before);
            EXPECT_TRUE(before.codes == s.codes && before.scales == s.scales && before.offsets == s.offsets && before.superScales == s.superScales && before.superOffsets == s.superOffsets && before.blocks == s.blocks);
          }
          before = s;
          at = s.codes + static_cast<std::size_t>(s.blocks) * blockBytes(v.element);
          blocks += s.blocks;
        }
        EXPECT_EQ(at, end) << sample.name << " " << cols;
      }
    }
}

TEST(Packing, TakesHardlyMoreThanTheFile) {
  ThreadPool pool(1);
  for (const TensorType type : samples::kAllTypes) {
    const Tensor tensor = samples::tensor(type, 64, 1024, 5);
    const double ratio = static_cast<double>(packTensor(tensor, pool)->bytes()) / static_cast<double>(tensor.bytes());
    // Q2_K's 4-bit scales and minima become bytes.
    EXPECT_LE(ratio, type == TensorType::Q2_K ? 1.2 : 1.06) << info(type).name;
  }
}

TEST(Packing, RoundsFloatsToTheNearestValueOfTheFormat) {
  ThreadPool pool(2);
  for (const std::int64_t cols : {64, 100}) {
    const std::int64_t rows = 21;
    const auto w = floats(rows * cols, 3, 0.1f);
    const auto count = w.size();
    EXPECT_EQ(unpack(*packF32(w.data(), rows, cols, pool)), w);
    const auto f16 = unpack(*packF16(w.data(), rows, cols, pool)), bf16 = unpack(*packBf16(w.data(), rows, cols, pool));
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(f16[i], floatOfHalf(halfOfFloat(w[i])));
      EXPECT_EQ(bf16[i], floatOfBfloat(bfloatOfFloat(w[i])));
    }
    for (const std::int64_t group : {std::int64_t{32}, std::int64_t{64}, kWholeRow}) {
      const std::int64_t size = group == kWholeRow ? cols : group;
      const auto q8 = unpack(*packQ8(w.data(), rows, cols, group, pool));
      const auto symmetric = unpack(*packQ4(w.data(), rows, cols, group, true, pool));
      const auto asymmetric = unpack(*packQ4(w.data(), rows, cols, group, false, pool));
      for (std::int64_t n = 0; n < rows; ++n)
        for (std::int64_t k = 0; k < cols; ++k) {
          float lowest = 0, highest = 0;
          for (std::int64_t j = k / size * size; j < std::min(cols, (k / size + 1) * size); ++j)
            lowest = std::min(lowest, w[static_cast<std::size_t>(n * cols + j)]), highest = std::max(highest, w[static_cast<std::size_t>(n * cols + j)]);
          const auto i = static_cast<std::size_t>(n * cols + k);
          const float largest = std::max(-lowest, highest);
          EXPECT_NEAR(q8[i], w[i], largest / 127 * 0.51 + largest * 0.0006);
          EXPECT_NEAR(symmetric[i], w[i], largest / 8 * 1.01);  // the far end of the other sign is clamped by one step
          EXPECT_NEAR(asymmetric[i], w[i], (highest - lowest) / 15 * 1.01);
        }
    }
  }
}

TEST(Packing, KeepsGivenIntegersExactly) {
  ThreadPool pool(2);
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const std::int64_t group : {std::int64_t{32}, std::int64_t{96}, std::int64_t{128}, kWholeRow})
      for (const int form : {0, 1, 2}) {
        const auto s = samples::quantized(bits, 19, 200, group, form == 1, form == 2, 7, group != 128);
        const auto w = unpack(*packQuantized(s->q, pool));
        for (std::int64_t n = 0; n < 19; ++n)
          for (std::int64_t k = 0; k < 200; ++k) {
            const float got = w[static_cast<std::size_t>(n * 200 + k)], want = s->weight(n, k);
            // An 8-bit code moves by 128 inside, so its float offset is rounded once more.
            if (bits == 8 && form == 2) EXPECT_NEAR(got, want, 2e-6);
            else EXPECT_EQ(got, want) << bits << " bits, group " << group << ", form " << form;
          }
      }
}

TEST(Packing, TernaryHasAZeroOfItsOwn) {
  ThreadPool pool(1);
  const std::vector<std::uint8_t> codes{0, 1, 2, 1};
  const float scale = 0.5f;
  const MatrixPtr m = packQuantized({.bits = 2, .rows = 1, .cols = 4, .group = kWholeRow, .codes = codes.data(), .scales = &scale, .zero = 1}, pool);
  EXPECT_EQ(unpack(*m), (std::vector<float>{-0.5f, 0, 0.5f, 0}));
}

TEST(Packing, OfZerosIsZeros) {
  ThreadPool pool(1);
  const std::vector<float> w(64 * 3);
  for (const auto& m : {packQ8(w.data(), 3, 64, 32, pool), packQ4(w.data(), 3, 64, 32, true, pool), packQ4(w.data(), 3, 64, 32, false, pool)})
    for (const float x : unpack(*m)) EXPECT_EQ(x, 0.0f);
}

TEST(Packing, LowRankUnpacksToTheProduct) {
  ThreadPool pool(1);
  const auto a = floats(20 * 3, 1), b = floats(3 * 50, 2);
  const auto w = unpack(*makeLowRank(packF32(a.data(), 20, 3, pool), packF32(b.data(), 3, 50, pool)));
  for (std::int64_t n = 0; n < 20; ++n)
    for (std::int64_t k = 0; k < 50; ++k) {
      double want = 0;
      for (std::int64_t r = 0; r < 3; ++r) want += double(a[static_cast<std::size_t>(n * 3 + r)]) * b[static_cast<std::size_t>(r * 50 + k)];
      EXPECT_NEAR(w[static_cast<std::size_t>(n * 50 + k)], want, 1e-5);
    }
}

}  // namespace
}  // namespace ts
