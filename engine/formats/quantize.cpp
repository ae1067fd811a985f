// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/quantize.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

#include "engine/core/half.h"

namespace ts {
namespace {

void putWord(std::uint8_t* out, std::uint16_t value) { std::memcpy(out, &value, sizeof value); }

/// Values that are not numbers have no place in an integer grid; they become zero, as overflow becomes the end.
int clampTo(float value, int high) {
  if (!(value > 0.0f)) return 0;
  return value >= static_cast<float>(high) ? high : static_cast<int>(value);
}

/// Symmetric: the largest magnitude maps onto -2^(bits-1) exactly. Fills q with 32 values, returns the scale.
float symmetric(const float* x, int levels, std::array<std::uint8_t, 32>& q) {
  float largest = 0.0f, signedLargest = 0.0f;
  for (int i = 0; i < 32; ++i)
    if (std::fabs(x[i]) > largest) {
      largest = std::fabs(x[i]);
      signedLargest = x[i];
    }
  const float d = signedLargest / static_cast<float>(-levels / 2);
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  const float offset = static_cast<float>(levels / 2) + 0.5f;
  for (int i = 0; i < 32; ++i) q[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(clampTo(x[i] * inverse + offset, levels - 1));
  return d;
}

/// Asymmetric: smallest and largest value are the ends of the grid.
std::pair<float, float> asymmetric(const float* x, int levels, std::array<std::uint8_t, 32>& q) {
  const auto [low, high] = std::minmax_element(x, x + 32);
  const float minimum = *low;
  const float d = (*high - minimum) / static_cast<float>(levels - 1);
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  for (int i = 0; i < 32; ++i)
    q[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(clampTo((x[i] - minimum) * inverse + 0.5f, levels - 1));
  return {d, minimum};
}

void putNibbles(const std::array<std::uint8_t, 32>& q, std::uint8_t* out) {
  for (std::size_t i = 0; i < 16; ++i) out[i] = static_cast<std::uint8_t>((q[i] & 0x0F) | (q[16 + i] << 4));
}

void putFifthBits(const std::array<std::uint8_t, 32>& q, std::uint8_t* out) {
  std::memset(out, 0, 4);
  for (std::size_t i = 0; i < 32; ++i) out[i / 8] = static_cast<std::uint8_t>(out[i / 8] | (((q[i] >> 4) & 1) << (i % 8)));
}

void q8_0(const float* x, std::uint8_t* out) {
  float largest = 0.0f;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[i]));
  const float d = largest / 127.0f;
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  putWord(out, halfOfFloat(d));
  for (int i = 0; i < 32; ++i) {
    const float rounded = std::round(x[i] * inverse);
    const float bounded = std::isnan(rounded) ? 0.0f : std::clamp(rounded, -127.0f, 127.0f);
    out[2 + i] = static_cast<std::uint8_t>(static_cast<std::int8_t>(bounded));
  }
}

void block(TensorType type, const float* x, std::uint8_t* out) {
  std::array<std::uint8_t, 32> q;
  switch (type) {
    case TensorType::Q8_0: return q8_0(x, out);
    case TensorType::Q4_0:
      putWord(out, halfOfFloat(symmetric(x, 16, q)));
      return putNibbles(q, out + 2);
    case TensorType::Q5_0:
      putWord(out, halfOfFloat(symmetric(x, 32, q)));
      putFifthBits(q, out + 2);
      return putNibbles(q, out + 6);
    case TensorType::Q4_1: {
      const auto [d, m] = asymmetric(x, 16, q);
      putWord(out, halfOfFloat(d));
      putWord(out + 2, halfOfFloat(m));
      return putNibbles(q, out + 4);
    }
    case TensorType::Q5_1: {
      const auto [d, m] = asymmetric(x, 32, q);
      putWord(out, halfOfFloat(d));
      putWord(out + 2, halfOfFloat(m));
      putFifthBits(q, out + 4);
      return putNibbles(q, out + 8);
    }
    default: assert(false && "quantize: a type nothing can write"); return;
  }
}

}  // namespace

bool canQuantize(TensorType type) {
  switch (type) {
    case TensorType::F32:
    case TensorType::F16:
    case TensorType::BF16:
    case TensorType::Q8_0:
    case TensorType::Q4_0:
    case TensorType::Q4_1:
    case TensorType::Q5_0:
    case TensorType::Q5_1: return true;
    default: return false;
  }
}

void quantize(TensorType type, const float* values, std::int64_t count, std::byte* out) {
  auto* bytes = reinterpret_cast<std::uint8_t*>(out);
  const TensorTypeInfo& layout = info(type);
  assert(canQuantize(type) && count % layout.blockValues == 0);
  switch (type) {
    case TensorType::F32:
      if (count > 0) std::memcpy(out, values, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case TensorType::F16:
      for (std::int64_t i = 0; i < count; ++i) putWord(bytes + 2 * i, halfOfFloat(values[i]));
      return;
    case TensorType::BF16:
      for (std::int64_t i = 0; i < count; ++i) putWord(bytes + 2 * i, bfloatOfFloat(values[i]));
      return;
    default:
      for (std::int64_t i = 0; i < count; i += layout.blockValues, bytes += layout.blockBytes) block(type, values + i, bytes);
  }
}

}  // namespace ts
