// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/packed.h"

#include <algorithm>
#include <cassert>

#include "engine/core/half.h"
#include "engine/kernels/panel_codes.h"

namespace ts {
namespace {

std::size_t scaleBytes(ScaleKind kind) {
  switch (kind) {
    case ScaleKind::None:
      return 0;
    case ScaleKind::F32:
      return 4;
    case ScaleKind::F16:
      return 2;
    case ScaleKind::Super:
      return 1;
  }
  return 0;
}
std::size_t offsetBytes(OffsetKind kind) {
  switch (kind) {
    case OffsetKind::None:
    case OffsetKind::Constant:
      return 0;
    case OffsetKind::F32:
      return 4;
    case OffsetKind::F16:
      return 2;
    case OffsetKind::Point:
    case OffsetKind::Super:
      return 1;
  }
  return 0;
}

std::int64_t up(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}

template <class T>
T& at(std::byte* p, std::size_t i) {
  return reinterpret_cast<T*>(p)[i];
}

std::uint32_t word(const std::uint8_t* codes) {
  std::uint32_t w;
  std::memcpy(&w, codes, 4);
  return w;
}

/// `bits`-wide codes (already masked) of 32 / bits k's into one word; byte b gets k = b, b + 4 ... from its low bits
/// up.
template <int bits>
std::uint32_t gather(const std::uint8_t* codes, int shift, std::uint32_t mask) {
  std::uint32_t out = 0;
  for (int i = 0; i < 8 / bits; ++i) out |= (word(codes + 4 * i) >> shift & mask) << (bits * i);
  return out;
}

}  // namespace

PackedMatrix::PackedMatrix(const PackedLayout& layout, std::int64_t rows, std::int64_t cols, const RowSource& source,
                           ThreadPool& pool)
    : Matrix(rows, cols), format_(layout.format) {
  PanelView& v = view_;
  v.element = layout.element, v.scaleKind = layout.scaleKind, v.offsetKind = layout.offsetKind;
  v.rows = rows, v.cols = cols, v.zero = layout.zero, v.table = layout.table;
  v.panels = up(rows, kPanel) / kPanel;
  v.padded = up(cols, kBlock);
  v.group = isFloat(v.element) ? kBlock : std::min(layout.group, v.padded);
  assert(v.group == 16 || v.group % kBlock == 0);
  v.groups = up(v.padded, v.group) / v.group;
  v.supers = up(v.padded, 256) / 256;
  v.basePanelBytes = static_cast<std::size_t>(v.padded) * kPanel * static_cast<std::size_t>(baseBits(v.element)) / 8;
  v.highPanelBytes = static_cast<std::size_t>(v.padded) * kPanel * static_cast<std::size_t>(highBits(v.element)) / 8;

  v.scalePanelBytes = static_cast<std::size_t>(v.groups) * kPanel * scaleBytes(v.scaleKind);

  const auto panels = static_cast<std::size_t>(v.panels);
  const std::size_t perGroup = panels * static_cast<std::size_t>(v.groups) * kPanel;
  const std::size_t perSuper = panels * static_cast<std::size_t>(v.supers) * kPanel;
  const bool superScale = v.scaleKind == ScaleKind::Super, superOffset = v.offsetKind == OffsetKind::Super;
  std::size_t size = 0;
  const auto reserve = [&](std::size_t bytes) {
    const std::size_t at = size;
    size = (size + bytes + kAlignment - 1) / kAlignment * kAlignment;
    return at;
  };
  const std::size_t base = reserve(panels * v.basePanelBytes), high = reserve(panels * v.highPanelBytes);
  const std::size_t scales = reserve(perGroup * scaleBytes(v.scaleKind)),
                    offsets = reserve(perGroup * offsetBytes(v.offsetKind));
  const std::size_t superScales = reserve(superScale ? perSuper * 2 : 0),
                    superOffsets = reserve(superOffset ? perSuper * 2 : 0);
  size_ = size;
  storage_ = PageStorage(size);
  v.base = storage_.data() + base, v.high = storage_.data() + high;
  v.scales = storage_.data() + scales, v.offsets = storage_.data() + offsets;
  v.superScales = reinterpret_cast<std::uint16_t*>(storage_.data() + superScales);
  v.superOffsets = reinterpret_cast<std::uint16_t*>(storage_.data() + superOffsets);

  pool.split(v.panels, 1, [&](Range range, int) {
    PackedRow row;
    const auto k = static_cast<std::size_t>(v.padded), groups = static_cast<std::size_t>(v.groups),
               supers = static_cast<std::size_t>(v.supers);
    isFloat(v.element) ? row.words.resize(k) : row.codes.resize(k);
    row.scales32.resize(groups), row.offsets32.resize(groups), row.scales16.resize(groups),
        row.offsets16.resize(groups);
    row.scales8.resize(groups), row.offsets8.resize(groups), row.superScales.resize(supers),
        row.superOffsets.resize(supers);
    for (std::int64_t panel = range.begin; panel < range.end; ++panel) packPanel(panel, source, row);
  });
}

void PackedMatrix::packPanel(std::int64_t panel, const RowSource& source, PackedRow& row) {
  if ((panel + 1) * kPanel > rows_) clearPanel(panel);  // lanes beyond the last row are zero
  for (int lane = 0; lane < kPanel; ++lane) {
    const std::int64_t n = panel * kPanel + lane;
    if (n >= rows_) break;
    source(n, row);
    scatter(row, panel, lane);
  }
}

void PackedMatrix::clearPanel(std::int64_t panel) {
  const PanelView& v = view_;
  const auto clear = [&](const void* all, std::size_t bytesPerPanel) {
    std::byte* base = storage_.data() + (static_cast<const std::byte*>(all) - storage_.data());
    std::memset(base + static_cast<std::size_t>(panel) * bytesPerPanel, 0, bytesPerPanel);
  };
  const std::size_t perGroup = static_cast<std::size_t>(v.groups) * kPanel,
                    perSuper = static_cast<std::size_t>(v.supers) * kPanel * 2;
  clear(v.base, v.basePanelBytes), clear(v.high, v.highPanelBytes);
  clear(v.scales, perGroup * scaleBytes(v.scaleKind)), clear(v.offsets, perGroup * offsetBytes(v.offsetKind));
  if (v.scaleKind == ScaleKind::Super) clear(v.superScales, perSuper);
  if (v.offsetKind == OffsetKind::Super) clear(v.superOffsets, perSuper);
}

void PackedMatrix::scatter(const PackedRow& row, std::int64_t panel, int lane) {
  const PanelView& v = view_;
  const auto p = static_cast<std::size_t>(panel), l = static_cast<std::size_t>(lane),
             padded = static_cast<std::size_t>(v.padded);
  std::byte* base = storage_.data() + (v.base - storage_.data()) + p * v.basePanelBytes;
  std::byte* high = storage_.data() + (v.high - storage_.data()) + p * v.highPanelBytes;
  const std::uint8_t* c = row.codes.data();
  switch (v.element) {
    case Element::F32:
      for (std::size_t k = 0; k < padded; ++k) at<std::uint32_t>(base, k * kPanel + l) = row.words[k];
      break;
    case Element::F16:
    case Element::BF16:
      for (std::size_t k = 0; k < padded; ++k)
        at<std::uint16_t>(base, k * kPanel + l) = static_cast<std::uint16_t>(row.words[k]);
      break;
    case Element::S8:
      for (std::size_t k = 0; k < padded; k += 4) at<std::uint32_t>(base, k / 4 * kPanel + l) = word(c + k);
      break;
    case Element::U6:
    case Element::U5:
    case Element::U4:
    case Element::Table4:
      for (std::size_t k = 0; k < padded; k += 8)
        at<std::uint32_t>(base, k / 8 * kPanel + l) = gather<4>(c + k, 0, 0x0F0F0F0Fu);
      break;
    case Element::U3:
    case Element::U2:
      for (std::size_t k = 0; k < padded; k += 16)
        at<std::uint32_t>(base, k / 16 * kPanel + l) = gather<2>(c + k, 0, 0x03030303u);
      break;
  }
  if (v.element == Element::U6)
    for (std::size_t k = 0; k < padded; k += 16)
      at<std::uint32_t>(high, k / 16 * kPanel + l) = gather<2>(c + k, 4, 0x03030303u);
  if (highBits(v.element) == 1)
    for (std::size_t k = 0; k < padded; k += 32)
      at<std::uint32_t>(high, k / 32 * kPanel + l) = gather<1>(c + k, v.element == Element::U5 ? 4 : 2, 0x01010101u);

  auto* scales = const_cast<std::byte*>(static_cast<const std::byte*>(v.scales));
  auto* offsets = const_cast<std::byte*>(static_cast<const std::byte*>(v.offsets));
  for (std::size_t g = 0; g < static_cast<std::size_t>(v.groups); ++g) {
    const std::size_t i = (p * static_cast<std::size_t>(v.groups) + g) * kPanel + l;
    if (v.scaleKind == ScaleKind::F32) at<float>(scales, i) = row.scales32[g];
    if (v.scaleKind == ScaleKind::F16) at<std::uint16_t>(scales, i) = row.scales16[g];
    if (v.scaleKind == ScaleKind::Super) at<std::int8_t>(scales, i) = row.scales8[g];
    if (v.offsetKind == OffsetKind::F32) at<float>(offsets, i) = row.offsets32[g];
    if (v.offsetKind == OffsetKind::F16) at<std::uint16_t>(offsets, i) = row.offsets16[g];
    if (v.offsetKind == OffsetKind::Point || v.offsetKind == OffsetKind::Super)
      at<std::int8_t>(offsets, i) = row.offsets8[g];
  }
  for (std::size_t s = 0; s < static_cast<std::size_t>(v.supers); ++s) {
    const std::size_t i = (p * static_cast<std::size_t>(v.supers) + s) * kPanel + l;
    if (v.scaleKind == ScaleKind::Super) const_cast<std::uint16_t*>(v.superScales)[i] = row.superScales[s];
    if (v.offsetKind == OffsetKind::Super) const_cast<std::uint16_t*>(v.superOffsets)[i] = row.superOffsets[s];
  }
}

void PackedMatrix::unpackRows(std::int64_t first, std::int64_t count, float* out) const {
  const PanelView& v = view_;
  for (std::int64_t n = first; n < first + count; ++n, out += cols_) {
    const auto panel = static_cast<std::size_t>(n / kPanel);
    const int lane = static_cast<int>(n % kPanel);
    const std::byte* base = v.base + panel * v.basePanelBytes;
    const std::byte* high = v.high + panel * v.highPanelBytes;
    if (isFloat(v.element)) {
      for (std::int64_t k = 0; k < cols_; ++k) out[k] = kernels::floatAt(v, base, k, lane);
      continue;
    }
    const bool adds =
        v.offsetKind == OffsetKind::F32 || v.offsetKind == OffsetKind::F16 || v.offsetKind == OffsetKind::Super;
    for (std::int64_t k0 = 0; k0 < cols_; k0 += v.group) {
      const kernels::GroupScale g = kernels::groupScale(v, n, k0);
      for (std::int64_t k = k0; k < std::min(k0 + v.group, cols_); ++k) {
        const float code = static_cast<float>(kernels::codeAt(v, base, high, k, lane) - g.zero);
        out[k] = adds ? g.scale * code + g.offset : g.scale * code;
      }
    }
  }
}

}  // namespace ts
