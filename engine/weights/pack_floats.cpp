// SPDX-License-Identifier: GPL-3.0-or-later
// Factories from float32 rows and from somebody else's integers.
#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "engine/core/half.h"
#include "engine/weights/formats.h"
#include "engine/weights/packed.h"

namespace ts {
namespace {

std::string title(const char* name, std::int64_t group, bool symmetric = true) {
  return std::string(name) + "(group=" + (group == kWholeRow ? "row" : std::to_string(group)) + (symmetric ? ")" : ",asymmetric)");
}

std::int64_t padded(std::int64_t cols) { return (cols + kBlock - 1) / kBlock * kBlock; }
std::int64_t layoutGroup(std::int64_t group, std::int64_t cols) { return group == kWholeRow ? padded(cols) : group; }

template <class Convert>
MatrixPtr packPlain(const char* name, Element element, const float* w, std::int64_t rows, std::int64_t cols, ThreadPool& pool,
                    Convert convert) {
  const RowSource source = [=](std::int64_t n, PackedRow& out) {
    for (std::int64_t k = 0; k < cols; ++k) out.words[static_cast<std::size_t>(k)] = convert(w[n * cols + k]);
  };
  return std::make_shared<PackedMatrix>(PackedLayout{.format = name, .element = element}, rows, cols, source, pool);
}

/// Walks the groups of row n: body(group, values, count).
template <class Body>
void forGroups(const float* w, std::int64_t n, std::int64_t cols, std::int64_t group, Body body) {
  for (std::int64_t k = 0, g = 0; k < cols; k += group, ++g) body(static_cast<std::size_t>(g), w + n * cols + k, std::min(group, cols - k), k);
}

bool fitsHalf(float x) { return floatOfHalf(halfOfFloat(x)) == x; }

}  // namespace

MatrixPtr packF32(const float* w, std::int64_t rows, std::int64_t cols, ThreadPool& pool) {
  return packPlain("f32", Element::F32, w, rows, cols, pool, [](float x) { return std::bit_cast<std::uint32_t>(x); });
}
MatrixPtr packF16(const float* w, std::int64_t rows, std::int64_t cols, ThreadPool& pool) {
  return packPlain("f16", Element::F16, w, rows, cols, pool, [](float x) { return std::uint32_t{halfOfFloat(x)}; });
}
MatrixPtr packBf16(const float* w, std::int64_t rows, std::int64_t cols, ThreadPool& pool) {
  return packPlain("bf16", Element::BF16, w, rows, cols, pool, [](float x) { return std::uint32_t{bfloatOfFloat(x)}; });
}

MatrixPtr packQ8(const float* w, std::int64_t rows, std::int64_t cols, std::int64_t group, ThreadPool& pool) {
  const std::int64_t size = layoutGroup(group, cols);
  const RowSource source = [=](std::int64_t n, PackedRow& out) {
    forGroups(w, n, cols, size, [&](std::size_t g, const float* values, std::int64_t count, std::int64_t k) {
      float largest = 0;
      for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(values[i]));
      out.scales16[g] = halfOfFloat(largest / 127.0f);
      // Codes are for the scale as it is stored.
      const float scale = floatOfHalf(out.scales16[g]), inverse = scale > 0 ? 1.0f / scale : 0.0f;
      for (std::int64_t i = 0; i < count; ++i) {
        const float code = std::clamp(std::nearbyint(values[i] * inverse), -127.0f, 127.0f);
        out.codes[static_cast<std::size_t>(k + i)] = static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
      }
    });
  };
  const PackedLayout layout{.format = title("q8", group), .element = Element::S8, .scaleKind = ScaleKind::F16, .group = size};
  return std::make_shared<PackedMatrix>(layout, rows, cols, source, pool);
}

MatrixPtr packQ4(const float* w, std::int64_t rows, std::int64_t cols, std::int64_t group, bool symmetric, ThreadPool& pool) {
  const std::int64_t size = layoutGroup(group, cols);
  const RowSource source = [=](std::int64_t n, PackedRow& out) {
    forGroups(w, n, cols, size, [&](std::size_t g, const float* values, std::int64_t count, std::int64_t k) {
      float lowest = 0, highest = 0;
      for (std::int64_t i = 0; i < count; ++i) lowest = std::min(lowest, values[i]), highest = std::max(highest, values[i]);
      const float extreme = -lowest > highest ? lowest : highest;
      out.scales16[g] = halfOfFloat(symmetric ? extreme / -8.0f : (highest - lowest) / 15.0f);
      const float scale = floatOfHalf(out.scales16[g]), inverse = scale != 0 ? 1.0f / scale : 0.0f;
      const float zero = symmetric ? 8.0f : std::clamp(std::nearbyint(-lowest * inverse), 0.0f, 15.0f);
      out.offsets8[g] = static_cast<std::int8_t>(zero);
      for (std::int64_t i = 0; i < count; ++i)
        out.codes[static_cast<std::size_t>(k + i)] = static_cast<std::uint8_t>(std::clamp(std::nearbyint(values[i] * inverse) + zero, 0.0f, 15.0f));
    });
  };
  const PackedLayout layout{.format = title("q4", group, symmetric), .element = Element::U4, .scaleKind = ScaleKind::F16,
                            .offsetKind = symmetric ? OffsetKind::Constant : OffsetKind::Point, .group = size, .zero = symmetric ? 8 : 0};
  return std::make_shared<PackedMatrix>(layout, rows, cols, source, pool);
}

MatrixPtr packQuantized(const QuantizedRows& q, ThreadPool& pool) {
  assert(!(q.zeros && q.offsets));
  PackedLayout layout;
  switch (q.bits) {
    case 2: layout.element = Element::U2; break;
    case 3: layout.element = Element::U3; break;
    case 4: layout.element = Element::U4; break;
    case 5: layout.element = Element::U5; break;
    case 6: layout.element = Element::U6; break;
    case 8: layout.element = Element::S8; break;
    default: assert(false && "bits must be 2, 3, 4, 5, 6 or 8");
  }
  layout.group = layoutGroup(q.group, q.cols);
  const std::int64_t groups = q.groups();
  const auto count = static_cast<std::size_t>(q.rows * groups);
  const bool halves = std::all_of(q.scales, q.scales + count, fitsHalf);
  layout.scaleKind = halves ? ScaleKind::F16 : ScaleKind::F32;
  const bool halfOffsets = q.offsets && std::all_of(q.offsets, q.offsets + count, fitsHalf);
  // An 8-bit code is stored as code - 128, so its zero point moves with it.
  const int shift = q.bits == 8 ? 128 : 0;
  const int zero = (q.zero >= 0 ? q.zero : 1 << (q.bits - 1)) - shift;
  if (q.offsets) {
    layout.offsetKind = halfOffsets && shift == 0 ? OffsetKind::F16 : OffsetKind::F32;
  } else if (q.zeros) {
    layout.offsetKind = OffsetKind::Point;
  } else {
    layout.offsetKind = zero == 0 ? OffsetKind::None : OffsetKind::Constant;
    layout.zero = zero;
  }
  layout.format = title(("q" + std::to_string(q.bits)).c_str(), q.group, !q.zeros && !q.offsets);
  const RowSource source = [&](std::int64_t n, PackedRow& out) {
    const std::uint8_t* codes = q.codes + n * q.cols;
    for (std::int64_t k = 0; k < q.cols; ++k) out.codes[static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(codes[k] ^ shift);
    for (std::int64_t g = 0; g < groups; ++g) {
      const auto i = static_cast<std::size_t>(g);
      const float scale = q.scales[n * groups + g];
      out.scales32[i] = scale;
      out.scales16[i] = halfOfFloat(scale);
      if (q.zeros) out.offsets8[i] = static_cast<std::int8_t>(q.zeros[n * groups + g] - shift);
      if (q.offsets) {
        const float offset = q.offsets[n * groups + g] + static_cast<float>(shift) * scale;
        out.offsets32[i] = offset;
        out.offsets16[i] = halfOfFloat(offset);
      }
    }
  };
  return std::make_shared<PackedMatrix>(layout, q.rows, q.cols, source, pool);
}

}  // namespace ts
