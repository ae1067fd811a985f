// SPDX-License-Identifier: GPL-3.0-or-later
// One matrix of every storage format, with random contents.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/core/half.h"
#include "engine/weights/formats.h"

namespace ts::samples {

inline std::vector<float> floats(std::int64_t n, unsigned seed, float scale = 1.0f) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = normal(generator);
  return x;
}

inline constexpr TensorType kAllTypes[] = {
    TensorType::F32,  TensorType::F16,  TensorType::BF16, TensorType::Q8_0, TensorType::Q4_0,   TensorType::Q4_1, TensorType::Q5_0, TensorType::Q5_1,
    TensorType::Q2_K, TensorType::Q3_K, TensorType::Q4_K, TensorType::Q5_K, TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS};

/// Random blocks with every half of a reasonable size: any bytes are valid codes. Or all other bytes are `fill`.
inline Tensor tensor(TensorType type, std::int64_t rows, std::int64_t cols, unsigned seed, int fill = -1) {
  std::mt19937 generator(seed);
  const TensorTypeInfo& t = info(type);
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(rows * cols / t.blockValues) * t.blockBytes);
  for (std::uint8_t& b : *bytes) b = static_cast<std::uint8_t>(fill < 0 ? generator() : static_cast<unsigned>(fill));
  std::uniform_real_distribution<float> scale(-0.05f, 0.05f);
  const auto half = [&](std::size_t at) {
    const std::uint16_t h = halfOfFloat(scale(generator));
    (*bytes)[at] = static_cast<std::uint8_t>(h), (*bytes)[at + 1] = static_cast<std::uint8_t>(h >> 8);
  };
  std::vector<std::size_t> halves;
  switch (type) {
    case TensorType::Q4_1: case TensorType::Q5_1: case TensorType::Q4_K: case TensorType::Q5_K: halves = {0, 2}; break;
    case TensorType::Q2_K: halves = {80, 82}; break;
    case TensorType::Q3_K: halves = {108}; break;
    case TensorType::Q6_K: halves = {208}; break;
    default: halves = {0}; break;
  }
  for (std::size_t at = 0; at < bytes->size(); at += t.blockBytes)
    if (type == TensorType::F32) {
      const float x = scale(generator);
      std::memcpy(bytes->data() + at, &x, 4);
    } else if (type == TensorType::BF16) {
      const std::uint16_t x = bfloatOfFloat(scale(generator));
      std::memcpy(bytes->data() + at, &x, 2);
    } else {
      for (const std::size_t h : halves) half(at + h);
    }
  Tensor tensor;
  tensor.type = type, tensor.rows = rows, tensor.cols = cols;
  tensor.data = reinterpret_cast<const std::byte*>(bytes->data());
  tensor.owner = bytes;
  return tensor;
}

/// Random integers as GPTQ and its kin choose them, kept alive beside the description.
struct Quantized {
  QuantizedRows q;
  std::vector<std::uint8_t> codes, zeros;
  std::vector<float> scales, offsets;
  float weight(std::int64_t n, std::int64_t k) const {
    const auto g = static_cast<std::size_t>(n * q.groups() + (q.group == kWholeRow ? 0 : k / q.group));
    const int code = codes[static_cast<std::size_t>(n * q.cols + k)];
    if (q.offsets) return scales[g] * static_cast<float>(code) + offsets[g];
    return scales[g] * static_cast<float>(code - (q.zeros ? zeros[g] : q.zero >= 0 ? q.zero : 1 << (q.bits - 1)));
  }
};
/// halves: scales are numbers of half precision; else none is. Half offsets: likewise.
inline std::unique_ptr<Quantized> quantized(int bits, std::int64_t rows, std::int64_t cols, std::int64_t group, bool zeros, bool offsets, unsigned seed, bool halves = true, bool halfOffsets = false) {
  auto s = std::make_unique<Quantized>();
  std::mt19937 generator(seed);
  s->q = {.bits = bits, .rows = rows, .cols = cols, .group = group};
  const auto groups = static_cast<std::size_t>(rows * s->q.groups());
  s->codes.resize(static_cast<std::size_t>(rows * cols));
  for (auto& c : s->codes) c = static_cast<std::uint8_t>(generator() % (1u << bits));
  for (std::size_t i = 0; i < groups; ++i) {
    const float scale = 0.001f * static_cast<float>(1 + generator() % 50);
    s->scales.push_back(floatOfHalf(halfOfFloat(scale)) * (halves ? 1.0f : 1.0001f));
    s->zeros.push_back(static_cast<std::uint8_t>(generator() % (1u << bits)));
    const float offset = 0.01f * static_cast<float>(generator() % 100) - 0.5f;
    s->offsets.push_back(halfOffsets ? floatOfHalf(halfOfFloat(offset)) : offset);
  }
  s->q.codes = s->codes.data(), s->q.scales = s->scales.data();
  if (zeros) s->q.zeros = s->zeros.data();
  if (offsets) s->q.offsets = s->offsets.data();
  return s;
}

struct Sample {
  std::string name;
  MatrixPtr matrix;
};
/// Every format once; K-quants only when cols is a multiple of 256, other blocks when it is one of 32.
inline std::vector<Sample> all(std::int64_t rows, std::int64_t cols, ThreadPool& pool) {
  std::vector<Sample> out;
  for (const TensorType type : kAllTypes)
    if (cols % info(type).blockValues == 0) out.push_back({std::string(info(type).name), packTensor(tensor(type, rows, cols, 11), pool)});
  const auto w = floats(rows * cols, 12, 0.05f);
  out.push_back({"q8-32", packQ8(w.data(), rows, cols, 32, pool)});
  out.push_back({"q8-row", packQ8(w.data(), rows, cols, kWholeRow, pool)});
  out.push_back({"q4-64", packQ4(w.data(), rows, cols, 64, true, pool)});
  out.push_back({"q4-96", packQ4(w.data(), rows, cols, 96, true, pool)});  // no power of two: ends within a section
  out.push_back({"q4-32-asymmetric", packQ4(w.data(), rows, cols, 32, false, pool)});
  const auto zeroed = quantized(8, rows, cols, 64, false, false, 13);
  zeroed->q.zero = 100;  // not in the middle, so that it is left to take off signed codes, too
  out.push_back({"codes8-zero", packQuantized(zeroed->q, pool)});
  for (const std::int64_t group : {32, 96}) {
    const auto add = [&](const char* name, bool zeros, bool offsets, bool halves, bool halfOffsets) {
      const auto s = quantized(4, rows, cols, group, zeros, offsets, 14, halves, halfOffsets);
      out.push_back({"codes4-" + std::to_string(group) + name, packQuantized(s->q, pool)});
    };
    add("-float-scales", false, false, false, false);
    add("-float-scales-zeros", true, false, false, false);
    add("-float-scales-offsets", false, true, false, false);
    add("-float-scales-half-offsets", false, true, false, true);
    add("-offsets", false, true, true, false);
    add("-half-offsets", false, true, true, true);
  }
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int form : {0, 1, 2}) {
      const auto s = quantized(bits, rows, cols, form == 2 ? kWholeRow : 64, form == 1, form == 2, 13);
      out.push_back({"codes" + std::to_string(bits) + (form == 0 ? "" : form == 1 ? "-zeros" : "-offsets"), packQuantized(s->q, pool)});
    }
  return out;
}

}  // namespace ts::samples
