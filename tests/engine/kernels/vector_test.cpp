// SPDX-License-Identifier: GPL-3.0-or-later
// Every kernel of vector.h against a plain double-precision loop, on every instruction set this machine has.
#include "engine/kernels/vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "engine/core/half.h"
#include "engine/kernels/isa.h"

namespace ts {
namespace {

std::vector<float> randoms(std::size_t n, float scale = 1.0f, unsigned seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> x(n);
  for (float& v : x) v = normal(generator);
  return x;
}

class VectorTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = kernelIsa();
    ASSERT_TRUE(forceIsa(GetParam()));
  }
  void TearDown() override { forceIsa(before_); }
  std::string before_;
  const std::vector<std::int64_t> sizes_{1, 3, 7, 8, 9, 16, 31, 64, 65, 127, 576};
};

SoftmaxSum exponentialsOfRow(float factor, std::vector<float>& row) {
  const auto n = static_cast<std::int64_t>(row.size());
  float sums[2];
  exponentials(factor, {row.data(), 1, n, n}, {sums, 1, 2, 2});
  return {sums[0], sums[1]};
}

TEST_P(VectorTest, DotAndItsKin) {
  for (const auto n : sizes_) {
    const auto size = static_cast<std::size_t>(n);
    const auto a = randoms(size), b = randoms(size, 1, 2);
    double want = 0, magnitude = 0, largest = 0;
    for (std::size_t i = 0; i < size; ++i) want += double(a[i]) * b[i], magnitude += std::fabs(double(a[i]) * b[i]), largest = std::max(largest, std::fabs(double(a[i])));
    EXPECT_NEAR(dot(a.data(), b.data(), n), want, 1e-6 * magnitude + 1e-7);
    EXPECT_FLOAT_EQ(maximumMagnitude(a.data(), n), static_cast<float>(largest));
    auto c = b;
    addScaled(0.5f, a.data(), n, c.data());
    addTo(a.data(), n, c.data());
    scaleBy(2.0f, n, c.data());
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(c[i], 2 * (b[i] + 1.5 * a[i]), 1e-5);
    c = b;
    blend(0.25f, 3.0f, a.data(), n, c.data());
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(c[i], 0.25 * b[i] + 3.0 * a[i], 1e-5);
  }
}

TEST_P(VectorTest, HalfAndBf16RoundToNearestEven) {
  std::vector<float> x = randoms(100, 1e-3f);
  for (const float special : {0.0f, -0.0f, 1.0f, 65504.0f, 65519.0f, 65520.0f, 1e30f, -1e30f, 6e-8f, 2.9e-8f, 3e-8f, 6.1e-5f, 1.0009765f, 1.00048828125f}) x.push_back(special);
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<std::uint16_t> h(x.size());
  std::vector<float> y(x.size());
  floatToHalf(x.data(), n, h.data());
  halfToFloat(h.data(), n, y.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(h[i], halfOfFloat(x[i])) << x[i];
    EXPECT_EQ(y[i], floatOfHalf(h[i])) << x[i];
    if (std::fabs(x[i]) < 65000) {
      EXPECT_NEAR(y[i], x[i], std::fabs(x[i]) * 0x1p-11 + 0x1p-25);
    }
  }
  floatToBf16(x.data(), n, h.data());
  bf16ToFloat(h.data(), n, y.data());
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], std::fabs(x[i]) * 0x1p-8);
  const float nan = std::nanf("");
  floatToBf16(&nan, 1, h.data());
  EXPECT_TRUE(std::isnan(floatOfBfloat(h[0])));
}

TEST_P(VectorTest, Norms) {
  for (const auto n : sizes_) {
    const auto size = static_cast<std::size_t>(n);
    const auto x = randoms(size, 3), w = randoms(size, 1, 2), b = randoms(size, 1, 3);
    double squares = 0, mean = 0, variance = 0;
    for (const float v : x) squares += double(v) * v, mean += v;
    squares /= double(n), mean /= double(n);
    for (const float v : x) variance += (v - mean) * (v - mean) / double(n);
    std::vector<float> y(size);
    rmsNorm(x.data(), w.data(), 1e-5f, n, y.data());
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(y[i], x[i] / std::sqrt(squares + 1e-5) * w[i], 1e-5);
    layerNorm(x.data(), w.data(), b.data(), 1e-5f, n, y.data());
    const double tolerance = n == 1 ? 1e-3 : 2e-5;
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(y[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * w[i] + b[i], tolerance);
  }
}

TEST_P(VectorTest, RopeRotatesPairs) {
  for (const std::int64_t pairs : {1, 4, 5, 32, 40}) {
    const auto size = static_cast<std::size_t>(pairs);
    const auto x = randoms(2 * size), angles = randoms(size, 2, 4);
    std::vector<float> c(size), s(size);
    for (std::size_t i = 0; i < size; ++i) c[i] = std::cos(angles[i]), s[i] = std::sin(angles[i]);
    auto halves = x, interleaved = x;
    ropeHalves(halves.data(), c.data(), s.data(), pairs);
    ropeInterleaved(interleaved.data(), c.data(), s.data(), pairs);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(halves[i], x[i] * c[i] - x[i + size] * s[i], 1e-6);
      EXPECT_NEAR(halves[i + size], x[i] * s[i] + x[i + size] * c[i], 1e-6);
      EXPECT_NEAR(interleaved[2 * i], x[2 * i] * c[i] - x[2 * i + 1] * s[i], 1e-6);
      EXPECT_NEAR(interleaved[2 * i + 1], x[2 * i] * s[i] + x[2 * i + 1] * c[i], 1e-6);
    }
  }
}

TEST_P(VectorTest, Activations) {
  for (const auto n : sizes_) {
    const auto size = static_cast<std::size_t>(n);
    auto g = randoms(size, 4);
    const auto u = randoms(size, 1, 2);
    g[0] = n == 1 ? 90.0f : -90.0f;
    std::vector<float> y(size);
    siluTimes(g.data(), u.data(), n, y.data());
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(y[i], g[i] / (1 + std::exp(-double(g[i]))) * u[i], 1e-5 * (1 + std::fabs(g[i])));
    geluTanhTimes(g.data(), nullptr, n, y.data());
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(y[i], 0.5 * g[i] * (1 + std::tanh(std::sqrt(2 / M_PI) * (g[i] + 0.044715 * std::pow(double(g[i]), 3)))), 2e-5);
    geluTimes(g.data(), u.data(), n, y.data());
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(y[i], 0.5 * g[i] * (1 + std::erf(g[i] / std::sqrt(2.0))) * u[i], 2e-5);
  }
}

TEST_P(VectorTest, Softmax) {
  for (const auto n : sizes_) {
    const auto x = randoms(static_cast<std::size_t>(n), 5);
    auto y = x;
    const SoftmaxSum alone = softmaxSum(x.data(), n), s = softmax(y.data(), n);
    EXPECT_EQ(alone.maximum, s.maximum);
    EXPECT_EQ(alone.sum, s.sum);
    double sum = 0, total = 0;
    for (const float v : x) sum += std::exp(double(v) - s.maximum);
    EXPECT_NEAR(s.sum, sum, 1e-5 * sum);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], std::exp(double(x[i]) - s.maximum) / sum, 1e-6);
    for (const float v : y) total += v;
    EXPECT_NEAR(total, 1, 1e-5);
    auto z = x;
    softcap(3.0f, n, z.data());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(z[i], 3 * std::tanh(x[i] / 3.0), 2e-6);
  }
}

TEST_P(VectorTest, ExponentialsHoldToAnUlpOfTheLargestAndVanishBelow) {
  std::vector<float> x;
  for (int i = 0; i <= 40'000; ++i) x.push_back(-87.0f * static_cast<float>(i) / 40'000.0f);  // 0, the largest, first
  auto y = x;
  exponentialsOfRow(1.0f, y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(double(x[i]));
    ASSERT_NEAR(y[i], exact, 1.2e-7 * (1 - x[i]) * exact) << "e^" << x[i];  // at most 1.2e-7, of the largest
  }
  for (const float factor : {0.088f, 0.125f, 3.7f})
    for (const std::int64_t n : {1, 7, 15, 16, 17, 31, 32, 33, 128}) {
      const auto s = randoms(static_cast<std::size_t>(n), 5.0f);
      auto e = s;
      const float largest = *std::max_element(s.begin(), s.end());
      const SoftmaxSum all = exponentialsOfRow(factor, e);
      double sum = 0;
      EXPECT_EQ(all.maximum, factor * largest);
      for (std::size_t i = 0; i < s.size(); ++i) {
        const double x = double(factor) * (double(s[i]) - largest), exact = std::exp(x);
        EXPECT_NEAR(e[i], exact, 1.5e-7 * (1 - x) * exact + 1.2e-38) << "e^" << x;  // the least normal number
        EXPECT_EQ(e[i] == 1.0f, s[i] == largest) << e[i];
        sum += exact;
      }
      EXPECT_NEAR(all.sum, sum, 1e-6 * sum);
    }
  for (const std::size_t more : {0, 123}) {  // the rest of a row, and among those that go together
    std::vector<float> low{0.0f, -88.0f, -1000.0f, -INFINITY, -3e38f}, want{1, 0, 0, 0, 0};
    low.insert(low.end(), more, -0.0f), want.insert(want.end(), more, 1.0f);
    exponentialsOfRow(1.0f, low);
    EXPECT_EQ(low, want);
  }
}

TEST_P(VectorTest, ExponentialsOfSeveralRowsAreThoseOfEachAlone) {
  constexpr std::int64_t kRows = 5, kStride = 140;
  for (const std::int64_t n : {0, 1, 31, 32, 100, 128}) {
    const auto all = randoms(kRows * kStride, 9.0f);
    auto together = all;
    std::vector<float> sums(kRows * 3, -1.0f);
    exponentials(0.125f, {together.data(), kRows, n, kStride}, {sums.data(), kRows, 2, 3});
    for (std::int64_t r = 0; r < kRows; ++r) {
      std::vector<float> row(all.begin() + r * kStride, all.begin() + r * kStride + n);
      const SoftmaxSum alone = exponentialsOfRow(0.125f, row);
      EXPECT_EQ(sums[static_cast<std::size_t>(3 * r)], alone.maximum);
      EXPECT_EQ(sums[static_cast<std::size_t>(3 * r + 1)], alone.sum);
      EXPECT_EQ(sums[static_cast<std::size_t>(3 * r + 2)], -1.0f);
      if (n == 0) {
        EXPECT_EQ(alone.maximum, -INFINITY);
        EXPECT_EQ(alone.sum, 0.0f);
      }
      EXPECT_TRUE(std::equal(row.begin(), row.end(), together.begin() + r * kStride));
      EXPECT_TRUE(std::equal(all.begin() + r * kStride + n, all.begin() + (r + 1) * kStride, together.begin() + r * kStride + n));
    }
  }
}

TEST_P(VectorTest, TheFirstOfTheLargestIsFound) {
  EXPECT_EQ(firstOfLargest(nullptr, 0), -1);
  std::mt19937 random(5);
  for (const std::int64_t n : {1, 15, 16, 17, 64, 1023, 1024, 1025, 5000}) {
    std::vector<float> x(static_cast<std::size_t>(n), -INFINITY);
    EXPECT_EQ(firstOfLargest(x.data(), n), -1) << n;
    for (float& v : x) v = static_cast<float>(static_cast<int>(random() % 100)) - 150.0f;  // many equals, all below zero
    EXPECT_EQ(firstOfLargest(x.data(), n), std::max_element(x.begin(), x.end()) - x.begin()) << n;
    const auto at = static_cast<std::size_t>(random() % static_cast<unsigned>(n));
    for (std::size_t i = at; i < x.size(); i += 7) x[i] = 3.0f;
    EXPECT_EQ(firstOfLargest(x.data(), n), static_cast<std::int64_t>(at)) << n;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (i != at && i % 3 != 0) x[i] = NAN;
    for (std::size_t i = 0; i < at; ++i) x[i] = NAN;
    EXPECT_EQ(firstOfLargest(x.data(), n), static_cast<std::int64_t>(at)) << n << ": what is no number hides nothing";
    x[at] = INFINITY;
    EXPECT_EQ(firstOfLargest(x.data(), n), static_cast<std::int64_t>(at)) << n;
  }
}

TEST_P(VectorTest, WhatIsNotANumberIsNotHidden) {
  std::uint32_t bits = 0x7FFFFFFF;  // whose payload could carry into the exponent
  float odd;
  std::memcpy(&odd, &bits, sizeof odd);
  for (const float broken : {NAN, odd}) {
    std::vector<float> scores(40, 1.0f);
    scores[33] = broken;
    softmax(scores.data(), 40);
    EXPECT_TRUE(std::isnan(scores[33]));
    std::vector<float> row(128, 1.0f);
    row[5] = broken;
    exponentialsOfRow(1.0f, row);
    EXPECT_TRUE(std::isnan(row[5]));
    std::vector<float> gate(40, 1.0f);
    gate[7] = broken;
    siluTimes(gate.data(), nullptr, 40, gate.data());
    EXPECT_TRUE(std::isnan(gate[7]));
    const std::vector<float> plain(20, broken);  // a whole vector and a rest
    std::vector<std::uint16_t> narrow(20);
    std::vector<float> back(20);
    floatToBf16(plain.data(), 20, narrow.data());
    bf16ToFloat(narrow.data(), 20, back.data());
    for (const float x : back) EXPECT_TRUE(std::isnan(x)) << "bfloat16 rounded it to " << x;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, VectorTest, testing::ValuesIn(availableIsas()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace ts
