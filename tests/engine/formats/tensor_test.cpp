// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/core/half.h"
#include "engine/formats/quantize.h"

namespace ts {
namespace {

std::vector<std::byte> bytesOfBase64(const std::string& text) {
  static const std::string kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> out;
  unsigned held = 0;
  int bits = 0;
  for (char c : text) {
    if (c == '=') break;
    held = (held << 6) | static_cast<unsigned>(kAlphabet.find(c));
    if ((bits += 6) >= 8) out.push_back(static_cast<std::byte>((held >> (bits -= 8)) & 0xFF));
  }
  return out;
}

std::vector<float> floatsOfBase64(const std::string& text) {
  const auto bytes = bytesOfBase64(text);
  std::vector<float> out(bytes.size() / 4);
  std::memcpy(out.data(), bytes.data(), out.size() * 4);
  return out;
}

const nlohmann::json& golden() {
  static const nlohmann::json json = nlohmann::json::parse(std::ifstream(TS_SOURCE_DIR "/tests/data/gguf-blocks.json"));
  return json;
}

TensorType typeNamed(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(TensorType::IQ4_XS); ++i)
    if (info(static_cast<TensorType>(i)).name == name) return static_cast<TensorType>(i);
  ADD_FAILURE() << name;
  return TensorType::F32;
}

TEST(Tensor, EveryBlockFormatMeansWhatTheGgufPackageReads) {
  int compared = 0;
  for (const auto& [name, entry] : golden()["types"].items()) {
    const TensorType type = typeNamed(name);
    const auto data = bytesOfBase64(entry["data"]);
    const auto expected = floatsOfBase64(entry["values"]);
    std::vector<float> actual(expected.size());
    ASSERT_EQ(data.size(), expected.size() / static_cast<std::size_t>(info(type).blockValues) * info(type).blockBytes) << name;
    dequantize(type, data.data(), static_cast<std::int64_t>(actual.size()), actual.data());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(actual[i], expected[i]) << name << " value " << i;
    ++compared;
  }
  EXPECT_EQ(compared, 14);
}

TEST(Tensor, TypeIdsAreGgmls) {
  EXPECT_EQ(tensorTypeOfGguf(12), TensorType::Q4_K);
  EXPECT_EQ(tensorTypeOfGguf(30), TensorType::BF16);
  EXPECT_EQ(tensorTypeOfGguf(4), std::nullopt);   // Q4_2, removed from ggml
  EXPECT_EQ(tensorTypeOfGguf(16), std::nullopt);  // IQ2_XXS
}

TEST(Quantize, WritesTheBytesOfTheReferenceQuantizers) {
  const auto& entry = golden()["quantize"];
  const auto values = floatsOfBase64(entry["values"]);
  for (const auto& [name, text] : entry["blocks"].items()) {
    const TensorType type = typeNamed(name);
    const auto expected = bytesOfBase64(text);
    std::vector<std::byte> actual(expected.size());
    quantize(type, values.data(), static_cast<std::int64_t>(values.size()), actual.data());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(actual[i], expected[i]) << name << " byte " << i;
  }
}

TEST(Quantize, ErrorIsHalfAStepAtMost) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(32 * 64);
  for (float& v : values) v = normal(random);
  for (auto [type, levels] : {std::pair{TensorType::Q8_0, 254.0f}, {TensorType::Q4_0, 16.0f}, {TensorType::Q4_1, 15.0f},
                              {TensorType::Q5_0, 32.0f}, {TensorType::Q5_1, 31.0f}}) {
    ASSERT_TRUE(canQuantize(type));
    std::vector<std::byte> blocks(values.size() / 32 * info(type).blockBytes);
    std::vector<float> back(values.size());
    quantize(type, values.data(), static_cast<std::int64_t>(values.size()), blocks.data());
    dequantize(type, blocks.data(), static_cast<std::int64_t>(values.size()), back.data());
    for (std::size_t i = 0; i < values.size(); i += 32) {
      float low = values[i], high = values[i], largest = 0.0f;
      for (std::size_t j = i; j < i + 32; ++j) {
        low = std::min(low, values[j]);
        high = std::max(high, values[j]);
        largest = std::max(largest, std::fabs(values[j]));
      }
      const bool symmetric = type == TensorType::Q8_0 || type == TensorType::Q4_0 || type == TensorType::Q5_0;
      const float step = (symmetric ? 2 * largest : high - low) / levels;
      // The symmetric integer grids have one level less on one side: a whole step there. Scales are rounded to f16.
      const float bound = (type == TensorType::Q4_0 || type == TensorType::Q5_0 ? 1.0f : 0.5f) * step + 2e-3f * largest;
      for (std::size_t j = i; j < i + 32; ++j) ASSERT_LE(std::fabs(values[j] - back[j]), bound) << info(type).name;
    }
  }
  EXPECT_FALSE(canQuantize(TensorType::Q4_K));
}

TEST(Quantize, NumbersThatAreNotNumbersDoNotCrash) {
  std::vector<float> values(32, 1.0f);
  values[3] = std::numeric_limits<float>::quiet_NaN();
  values[7] = std::numeric_limits<float>::infinity();
  std::vector<std::byte> blocks(64);
  for (auto type : {TensorType::Q8_0, TensorType::Q4_0, TensorType::Q4_1, TensorType::Q5_0, TensorType::Q5_1})
    quantize(type, values.data(), 32, blocks.data());
}

TEST(Half, EveryHalfSurvivesARoundTrip) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = floatOfHalf(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(floatOfHalf(halfOfFloat(value))));
    } else {
      ASSERT_EQ(halfOfFloat(value), bits);
    }
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(halfOfFloat(65519.9f), 0x7BFF);
  EXPECT_EQ(halfOfFloat(65520.0f), 0x7C00);
  EXPECT_EQ(halfOfFloat(1.0f + 0x1p-11f), 0x3C00);                  // a tie goes to the even neighbour
  EXPECT_EQ(halfOfFloat(1.0f + 0x1p-11f + 0x1p-20f), 0x3C01);
  EXPECT_EQ(halfOfFloat(0x1p-25f), 0x0000);
  EXPECT_EQ(halfOfFloat(0x1.8p-25f), 0x0001);
  EXPECT_EQ(bfloatOfFloat(std::bit_cast<float>(0x3F808000u)), 0x3F80);
  EXPECT_EQ(bfloatOfFloat(std::bit_cast<float>(0x3F818000u)), 0x3F82);
}

}  // namespace
}  // namespace ts
