// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensor.h"

#include <array>
#include <cassert>
#include <cstring>

#include "engine/core/half.h"

// The block layouts are those of ggml (ggml-common.h, ggml-quants.c) and the order of the float operations is that of
// the `gguf` Python package, so that values agree with it bit for bit.

namespace ts {
namespace {

constexpr std::array<TensorTypeInfo, 15> kTypes{{
    {"F32", 1, 4, 0},      {"F16", 1, 2, 1},      {"BF16", 1, 2, 30},    {"Q8_0", 32, 34, 8},     {"Q4_0", 32, 18, 2},
    {"Q4_1", 32, 20, 3},   {"Q5_0", 32, 22, 6},   {"Q5_1", 32, 24, 7},   {"Q2_K", 256, 84, 10},   {"Q3_K", 256, 110, 11},
    {"Q4_K", 256, 144, 12}, {"Q5_K", 256, 176, 13}, {"Q6_K", 256, 210, 14}, {"IQ4_NL", 32, 18, 20}, {"IQ4_XS", 256, 136, 23},
}};

constexpr std::array<std::int8_t, 16> kIq4{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

using Bytes = const std::uint8_t*;

std::uint16_t word(Bytes p) {
  std::uint16_t w;
  std::memcpy(&w, p, sizeof w);
  return w;
}
float half(Bytes p) { return floatOfHalf(word(p)); }

void q8_0(Bytes b, float* out) {
  const float d = half(b);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(static_cast<std::int8_t>(b[2 + i])) * d;
}

void q4_0(Bytes b, float* out) {
  const float d = half(b);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((b[2 + i] & 0x0F) - 8);
    out[16 + i] = d * static_cast<float>((b[2 + i] >> 4) - 8);
  }
}

void q4_1(Bytes b, float* out) {
  const float d = half(b), m = half(b + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(b[4 + i] & 0x0F) + m;
    out[16 + i] = d * static_cast<float>(b[4 + i] >> 4) + m;
  }
}

int fifthBit(Bytes bits, int i) { return ((bits[i / 8] >> (i % 8)) & 1) << 4; }

void q5_0(Bytes b, float* out) {
  const float d = half(b);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(((b[6 + i] & 0x0F) | fifthBit(b + 2, i)) - 16);
    out[16 + i] = d * static_cast<float>(((b[6 + i] >> 4) | fifthBit(b + 2, 16 + i)) - 16);
  }
}

void q5_1(Bytes b, float* out) {
  const float d = half(b), m = half(b + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((b[8 + i] & 0x0F) | fifthBit(b + 4, i)) + m;
    out[16 + i] = d * static_cast<float>((b[8 + i] >> 4) | fifthBit(b + 4, 16 + i)) + m;
  }
}

void q2_k(Bytes b, float* out) {
  const Bytes scales = b, quants = b + 16;
  const float d = half(b + 80), dmin = half(b + 82);
  for (int i = 0; i < 256; ++i) {
    const int group = i / 16;
    const int q = (quants[(i / 128) * 32 + i % 32] >> (2 * ((i / 32) % 4))) & 3;
    const float scale = d * static_cast<float>(scales[group] & 0x0F);
    const float offset = dmin * static_cast<float>(scales[group] >> 4);
    out[i] = scale * static_cast<float>(q) - offset;
  }
}

void q3_k(Bytes b, float* out) {
  const Bytes high = b, quants = b + 32, packed = b + 96;
  const float d = half(b + 108);
  for (int i = 0; i < 256; ++i) {
    const int group = i / 16;
    const int low = (packed[group % 8] >> (group < 8 ? 0 : 4)) & 0x0F;
    const int scale = (low | (((packed[8 + group % 4] >> (2 * (group / 4))) & 3) << 4)) - 32;
    const int q = (quants[(i / 128) * 32 + i % 32] >> (2 * ((i / 32) % 4))) & 3;
    const int bit = (high[i % 32] >> (i / 32)) & 1;  // set: no offset
    out[i] = (d * static_cast<float>(scale)) * static_cast<float>(q - (bit ? 0 : 4));
  }
}

/// The six-bit scale and minimum of group j (0..7) in Q4_K and Q5_K.
void scaleAndMin(Bytes packed, int j, int& scale, int& minimum) {
  if (j < 4) {
    scale = packed[j] & 0x3F;
    minimum = packed[j + 4] & 0x3F;
  } else {
    scale = (packed[j + 4] & 0x0F) | ((packed[j - 4] >> 2) & 0x30);
    minimum = (packed[j + 4] >> 4) | ((packed[j] >> 2) & 0x30);
  }
}

void q4_k(Bytes b, float* out) {
  const float d = half(b), dmin = half(b + 2);
  for (int group = 0; group < 8; ++group) {
    int s, m;
    scaleAndMin(b + 4, group, s, m);
    const float scale = d * static_cast<float>(s), offset = dmin * static_cast<float>(m);
    const Bytes quants = b + 16 + (group / 2) * 32;
    for (int i = 0; i < 32; ++i)
      out[group * 32 + i] = scale * static_cast<float>((quants[i] >> (4 * (group % 2))) & 0x0F) - offset;
  }
}

void q5_k(Bytes b, float* out) {
  const float d = half(b), dmin = half(b + 2);
  for (int group = 0; group < 8; ++group) {
    int s, m;
    scaleAndMin(b + 4, group, s, m);
    const float scale = d * static_cast<float>(s), offset = dmin * static_cast<float>(m);
    const Bytes high = b + 16, quants = b + 48 + (group / 2) * 32;
    for (int i = 0; i < 32; ++i) {
      const int q = ((quants[i] >> (4 * (group % 2))) & 0x0F) | (((high[i] >> group) & 1) << 4);
      out[group * 32 + i] = scale * static_cast<float>(q) - offset;
    }
  }
}

void q6_k(Bytes b, float* out) {
  const Bytes low = b, high = b + 128, scales = b + 192;
  const float d = half(b + 208);
  for (int i = 0; i < 256; ++i) {
    const int part = i / 128, r = i % 128;
    const int nibble = (low[part * 64 + r % 64] >> (r < 64 ? 0 : 4)) & 0x0F;
    const int q = (nibble | (((high[part * 32 + r % 32] >> (2 * (r / 32))) & 3) << 4)) - 32;
    out[i] = (d * static_cast<float>(static_cast<std::int8_t>(scales[i / 16]))) * static_cast<float>(q);
  }
}

void iq4_nl(Bytes b, float* out) {
  const float d = half(b);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(kIq4[b[2 + i] & 0x0F]);
    out[16 + i] = d * static_cast<float>(kIq4[b[2 + i] >> 4]);
  }
}

void iq4_xs(Bytes b, float* out) {
  const float d = half(b);
  const int high = word(b + 2);
  for (int group = 0; group < 8; ++group) {
    const int low = (b[4 + group / 2] >> (4 * (group % 2))) & 0x0F;
    const float scale = d * static_cast<float>((low | (((high >> (2 * group)) & 3) << 4)) - 32);
    const Bytes quants = b + 8 + group * 16;
    for (int i = 0; i < 16; ++i) {
      out[group * 32 + i] = scale * static_cast<float>(kIq4[quants[i] & 0x0F]);
      out[group * 32 + 16 + i] = scale * static_cast<float>(kIq4[quants[i] >> 4]);
    }
  }
}

void blocks(void (*one)(Bytes, float*), const TensorTypeInfo& type, Bytes data, std::int64_t count, float* out) {
  assert(count % type.blockValues == 0);
  for (std::int64_t i = 0; i < count; i += type.blockValues, data += type.blockBytes) one(data, out + i);
}

}  // namespace

const TensorTypeInfo& info(TensorType type) { return kTypes[static_cast<std::size_t>(type)]; }

std::optional<TensorType> tensorTypeOfGguf(std::uint32_t id) {
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (kTypes[i].ggufId == id) return static_cast<TensorType>(i);
  return std::nullopt;
}

void dequantize(TensorType type, const std::byte* data, std::int64_t count, float* out) {
  const Bytes bytes = reinterpret_cast<Bytes>(data);
  const TensorTypeInfo& layout = info(type);
  switch (type) {
    case TensorType::F32:
      if (count > 0) std::memcpy(out, data, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case TensorType::F16:
      for (std::int64_t i = 0; i < count; ++i) out[i] = half(bytes + 2 * i);
      return;
    case TensorType::BF16:
      for (std::int64_t i = 0; i < count; ++i) out[i] = floatOfBfloat(word(bytes + 2 * i));
      return;
    case TensorType::Q8_0: return blocks(q8_0, layout, bytes, count, out);
    case TensorType::Q4_0: return blocks(q4_0, layout, bytes, count, out);
    case TensorType::Q4_1: return blocks(q4_1, layout, bytes, count, out);
    case TensorType::Q5_0: return blocks(q5_0, layout, bytes, count, out);
    case TensorType::Q5_1: return blocks(q5_1, layout, bytes, count, out);
    case TensorType::Q2_K: return blocks(q2_k, layout, bytes, count, out);
    case TensorType::Q3_K: return blocks(q3_k, layout, bytes, count, out);
    case TensorType::Q4_K: return blocks(q4_k, layout, bytes, count, out);
    case TensorType::Q5_K: return blocks(q5_k, layout, bytes, count, out);
    case TensorType::Q6_K: return blocks(q6_k, layout, bytes, count, out);
    case TensorType::IQ4_NL: return blocks(iq4_nl, layout, bytes, count, out);
    case TensorType::IQ4_XS: return blocks(iq4_xs, layout, bytes, count, out);
  }
}

}  // namespace ts
