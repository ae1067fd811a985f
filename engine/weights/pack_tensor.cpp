// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint's blocks taken apart into codes, scales and offsets (layouts: ggml-common.h of ggml), without arithmetic, so
// that unpacking repeats dequantize()'s operations on the same numbers.
#include <cassert>
#include <cstring>

#include "engine/weights/formats.h"
#include "engine/weights/packed.h"

namespace ts {
namespace {

using Bytes = const std::uint8_t*;
constexpr std::int8_t kIq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

std::uint16_t half(Bytes p) {
  std::uint16_t w;
  std::memcpy(&w, p, sizeof w);
  return w;
}

/// Where block i of a row puts its pieces.
struct Sink {
  PackedRow& row;
  std::size_t block;
  std::uint8_t* codes32() const { return row.codes.data() + block * 32; }
  std::uint8_t* codes256() const { return row.codes.data() + block * 256; }
};

void nibbles(Bytes packed, std::uint8_t* codes) {
  for (int i = 0; i < 16; ++i) codes[i] = packed[i] & 0x0F, codes[16 + i] = packed[i] >> 4;
}
void fifth(Bytes bits, std::uint8_t* codes) {
  for (int i = 0; i < 32; ++i) codes[i] |= static_cast<std::uint8_t>((bits[i / 8] >> (i % 8) & 1) << 4);
}

void q8_0(Bytes b, Sink s) {
  s.row.scales16[s.block] = half(b);
  std::memcpy(s.codes32(), b + 2, 32);
}
void q4_0(Bytes b, Sink s) {  // also IQ4_NL
  s.row.scales16[s.block] = half(b);
  nibbles(b + 2, s.codes32());
}
void q4_1(Bytes b, Sink s) {
  s.row.scales16[s.block] = half(b), s.row.offsets16[s.block] = half(b + 2);
  nibbles(b + 4, s.codes32());
}
void q5_0(Bytes b, Sink s) {
  s.row.scales16[s.block] = half(b);
  nibbles(b + 6, s.codes32());
  fifth(b + 2, s.codes32());
}
void q5_1(Bytes b, Sink s) {
  s.row.scales16[s.block] = half(b), s.row.offsets16[s.block] = half(b + 2);
  nibbles(b + 8, s.codes32());
  fifth(b + 4, s.codes32());
}
void twoBits(Bytes quants, std::uint8_t* codes) {
  for (int i = 0; i < 256; ++i) codes[i] = quants[i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4)) & 3;
}
void q2_k(Bytes b, Sink s) {
  s.row.superScales[s.block] = half(b + 80), s.row.superOffsets[s.block] = half(b + 82);
  for (std::size_t g = 0; g < 16; ++g) {
    s.row.scales8[s.block * 16 + g] = static_cast<std::int8_t>(b[g] & 0x0F);
    s.row.offsets8[s.block * 16 + g] = static_cast<std::int8_t>(b[g] >> 4);
  }
  twoBits(b + 16, s.codes256());
}
void q3_k(Bytes b, Sink s) {
  s.row.superScales[s.block] = half(b + 108);
  const Bytes packed = b + 96;
  for (std::size_t g = 0; g < 16; ++g) {
    const int low = packed[g % 8] >> (g < 8 ? 0 : 4) & 0x0F;
    s.row.scales8[s.block * 16 + g] = static_cast<std::int8_t>((low | (packed[8 + g % 4] >> (2 * (g / 4)) & 3) << 4) - 32);
  }
  std::uint8_t* codes = s.codes256();
  twoBits(b + 32, codes);
  for (int i = 0; i < 256; ++i) codes[i] |= static_cast<std::uint8_t>((b[i % 32] >> (i / 32) & 1) << 2);
}
void scalesAndMinima(Bytes packed, Sink s) {
  for (std::size_t j = 0; j < 8; ++j) {
    const int scale = j < 4 ? packed[j] & 0x3F : (packed[j + 4] & 0x0F) | (packed[j - 4] >> 2 & 0x30);
    const int minimum = j < 4 ? packed[j + 4] & 0x3F : packed[j + 4] >> 4 | (packed[j] >> 2 & 0x30);
    s.row.scales8[s.block * 8 + j] = static_cast<std::int8_t>(scale);
    s.row.offsets8[s.block * 8 + j] = static_cast<std::int8_t>(minimum);
  }
}
void pairs(Bytes quants, std::uint8_t* codes) {
  for (int g = 0; g < 8; ++g)
    for (int i = 0; i < 32; ++i) codes[g * 32 + i] = quants[g / 2 * 32 + i] >> (4 * (g % 2)) & 0x0F;
}
void q4_k(Bytes b, Sink s) {
  s.row.superScales[s.block] = half(b), s.row.superOffsets[s.block] = half(b + 2);
  scalesAndMinima(b + 4, s);
  pairs(b + 16, s.codes256());
}
void q5_k(Bytes b, Sink s) {
  s.row.superScales[s.block] = half(b), s.row.superOffsets[s.block] = half(b + 2);
  scalesAndMinima(b + 4, s);
  std::uint8_t* codes = s.codes256();
  pairs(b + 48, codes);
  for (int i = 0; i < 256; ++i) codes[i] |= static_cast<std::uint8_t>((b[16 + i % 32] >> (i / 32) & 1) << 4);
}
void q6_k(Bytes b, Sink s) {
  s.row.superScales[s.block] = half(b + 208);
  for (std::size_t g = 0; g < 16; ++g) s.row.scales8[s.block * 16 + g] = static_cast<std::int8_t>(b[192 + g]);
  std::uint8_t* codes = s.codes256();
  for (int i = 0; i < 256; ++i) {
    const int part = i / 128, r = i % 128;
    codes[i] = static_cast<std::uint8_t>((b[part * 64 + r % 64] >> (r < 64 ? 0 : 4) & 0x0F) | (b[128 + part * 32 + r % 32] >> (2 * (r / 32)) & 3) << 4);
  }
}
void iq4_xs(Bytes b, Sink s) {
  s.row.superScales[s.block] = half(b);
  const int high = half(b + 2);
  for (std::size_t g = 0; g < 8; ++g) {
    const int low = b[4 + g / 2] >> (4 * (g % 2)) & 0x0F;
    s.row.scales8[s.block * 8 + g] = static_cast<std::int8_t>((low | (high >> (2 * g) & 3) << 4) - 32);
    nibbles(b + 8 + g * 16, s.codes256() + g * 32);
  }
}

struct BlockFormat {
  PackedLayout layout;
  void (*take)(Bytes, Sink);
};

BlockFormat blockFormat(TensorType type) {
  using E = Element;
  using S = ScaleKind;
  using O = OffsetKind;
  const std::string name(info(type).name);
  const auto make = [&](E e, S s, O o, std::int64_t group, int zero, void (*take)(Bytes, Sink), const std::int8_t* table = nullptr) {
    return BlockFormat{{name, e, s, o, group, zero, table}, take};
  };
  switch (type) {
    case TensorType::Q8_0: return make(E::S8, S::F16, O::None, 32, 0, q8_0);
    case TensorType::Q4_0: return make(E::U4, S::F16, O::Constant, 32, 8, q4_0);
    case TensorType::Q4_1: return make(E::U4, S::F16, O::F16, 32, 0, q4_1);
    case TensorType::Q5_0: return make(E::U5, S::F16, O::Constant, 32, 16, q5_0);
    case TensorType::Q5_1: return make(E::U5, S::F16, O::F16, 32, 0, q5_1);
    case TensorType::Q2_K: return make(E::U2, S::Super, O::Super, 16, 0, q2_k);
    case TensorType::Q3_K: return make(E::U3, S::Super, O::Constant, 16, 4, q3_k);
    case TensorType::Q4_K: return make(E::U4, S::Super, O::Super, 32, 0, q4_k);
    case TensorType::Q5_K: return make(E::U5, S::Super, O::Super, 32, 0, q5_k);
    case TensorType::Q6_K: return make(E::U6, S::Super, O::Constant, 16, 32, q6_k);
    case TensorType::IQ4_NL: return make(E::Table4, S::F16, O::None, 32, 0, q4_0, kIq4);
    case TensorType::IQ4_XS: return make(E::Table4, S::Super, O::None, 32, 0, iq4_xs, kIq4);
    case TensorType::F32: case TensorType::F16: case TensorType::BF16: break;
  }
  assert(false);
  return {};
}

MatrixPtr packPlain(const Tensor& tensor, const char* name, Element element, ThreadPool& pool) {
  const RowSource source = [&](std::int64_t n, PackedRow& out) {
    const std::byte* p = tensor.row(n);
    if (element == Element::F32) {
      std::memcpy(out.words.data(), p, static_cast<std::size_t>(tensor.cols) * 4);
      return;
    }
    for (std::int64_t k = 0; k < tensor.cols; ++k) {
      std::uint16_t w;
      std::memcpy(&w, p + 2 * k, 2);
      out.words[static_cast<std::size_t>(k)] = w;
    }
  };
  return std::make_shared<PackedMatrix>(PackedLayout{.format = name, .element = element}, tensor.rows, tensor.cols, source, pool);
}

}  // namespace

MatrixPtr packTensor(const Tensor& tensor, ThreadPool& pool) {
  if (tensor.type == TensorType::F32) return packPlain(tensor, "f32", Element::F32, pool);
  if (tensor.type == TensorType::F16) return packPlain(tensor, "f16", Element::F16, pool);
  if (tensor.type == TensorType::BF16) return packPlain(tensor, "bf16", Element::BF16, pool);
  const BlockFormat format = blockFormat(tensor.type);
  const TensorTypeInfo& type = info(tensor.type);
  assert(tensor.cols % type.blockValues == 0);
  const RowSource source = [&](std::int64_t n, PackedRow& out) {
    const auto* p = reinterpret_cast<Bytes>(tensor.row(n));
    for (std::int64_t i = 0; i < tensor.cols / type.blockValues; ++i)
      format.take(p + static_cast<std::size_t>(i) * type.blockBytes, Sink{out, static_cast<std::size_t>(i)});
  };
  return std::make_shared<PackedMatrix>(format.layout, tensor.rows, tensor.cols, source, pool);
}

}  // namespace ts
