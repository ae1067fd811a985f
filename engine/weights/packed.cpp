// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/packed.h"

#include <algorithm>
#include <cassert>

#include "engine/core/half.h"
#include "engine/kernels/panel_codes.h"

namespace ts {
namespace {

std::int64_t up(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}

constexpr std::int64_t kBlocksTogether = 4;  ///< blocks that kernels take at once (product_floats.cpp)

/// Says how long sections are: as many blocks as fill cache lines with their scales and with their offsets, but the K-quants' 256 k, and as
/// many as kernels take at once.
void layOut(PanelView& v) {
  const std::int64_t all = v.padded / kBlock;
  assert(all > 0 && (isFloat(v.element) || v.scaleKind != ScaleKind::None));
  if (isFloat(v.element)) {
    v.sectionBlocks = all;
  } else if (v.scaleKind == ScaleKind::Super || v.offsetKind == OffsetKind::Super) {
    assert(256 % v.group == 0 || v.padded <= 256);
    v.sectionBlocks = 256 / kBlock;
  } else {
    const int scale = scaleBytes(v.scaleKind), offset = offsetBytes(v.offsetKind);
    const std::int64_t groups = 64 / (kPanel * (offset > 0 ? std::min(scale, offset) : scale));
    const std::int64_t width = std::max(groups * v.group, up(kBlocksTogether * kBlock, v.group));  // whole groups
    v.sectionBlocks = up(width, kBlock) / kBlock;
  }
  v.sectionBlocks = std::min(v.sectionBlocks, all);
  v.sectionGroups = up(v.sectionBlocks * kBlock, v.group) / v.group;
  const auto bytes = [&](std::int64_t blocks) { return headerBytes(v, groupsOf(v, blocks)) + static_cast<std::size_t>(blocks) * blockBytes(v.element); };
  v.sectionBytes = bytes(v.sectionBlocks);
  v.wholeSections = all / v.sectionBlocks;
  const std::int64_t rest = all % v.sectionBlocks;
  v.panelBytes = static_cast<std::size_t>(v.wholeSections) * v.sectionBytes + (rest > 0 ? bytes(rest) : 0);
}

/// A place in our own storage, which the view shows as constant.
template <class T>
T& at(const void* p, std::size_t i) {
  return static_cast<T*>(const_cast<void*>(p))[i];
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
  assert((v.group == 16 && mayHave16(v.element)) || v.group % kBlock == 0);
  layOut(v);
  size_ = static_cast<std::size_t>(v.panels) * v.panelBytes;
  storage_ = PageStorage(size_);
  v.data = storage_.data();

  pool.split(v.panels, 1, [&](Range range, int) {
    PackedRow row;
    const auto k = static_cast<std::size_t>(v.padded), groups = static_cast<std::size_t>(up(v.padded, v.group) / v.group),
               supers = static_cast<std::size_t>(up(v.padded, 256) / 256);
    isFloat(v.element) ? row.words.resize(k) : row.codes.resize(k);
    row.scales32.resize(groups), row.offsets32.resize(groups), row.scales16.resize(groups),
        row.offsets16.resize(groups);
    row.scales8.resize(groups), row.offsets8.resize(groups), row.superScales.resize(supers),
        row.superOffsets.resize(supers);
    for (std::int64_t panel = range.begin; panel < range.end; ++panel) packPanel(panel, source, row);
  });
}

void PackedMatrix::packPanel(std::int64_t panel, const RowSource& source, PackedRow& row) {
  if ((panel + 1) * kPanel > rows_)  // lanes beyond the last row are zero
    std::memset(storage_.data() + static_cast<std::size_t>(panel) * view_.panelBytes, 0, view_.panelBytes);
  for (int lane = 0; lane < kPanel; ++lane) {
    const std::int64_t n = panel * kPanel + lane;
    if (n >= rows_) break;
    source(n, row);
    scatter(row, panel, static_cast<std::size_t>(lane));
  }
}

void PackedMatrix::scatter(const PackedRow& row, std::int64_t panel, std::size_t lane) {
  const PanelView& v = view_;
  std::size_t block = 0, group = 0, super = 0;
  for (std::int64_t i = 0; i * v.sectionBlocks * kBlock < v.padded; ++i, ++super) {
    const Section s = sectionOf(v, panel, i);
    const auto groups = static_cast<std::size_t>(groupsOf(v, s.blocks));
    for (std::size_t g = 0; g < groups; ++g, ++group) {
      const std::size_t to = g * kPanel + lane;
      if (v.scaleKind == ScaleKind::F32) at<float>(s.scales, to) = row.scales32[group];
      if (v.scaleKind == ScaleKind::F16) at<std::uint16_t>(s.scales, to) = row.scales16[group];
      if (v.scaleKind == ScaleKind::Super) at<std::int8_t>(s.scales, to) = row.scales8[group];
      if (v.offsetKind == OffsetKind::F32) at<float>(s.offsets, to) = row.offsets32[group];
      if (v.offsetKind == OffsetKind::F16) at<std::uint16_t>(s.offsets, to) = row.offsets16[group];
      if (v.offsetKind == OffsetKind::Point || v.offsetKind == OffsetKind::Super) at<std::int8_t>(s.offsets, to) = row.offsets8[group];
    }
    if (v.scaleKind == ScaleKind::Super) at<std::uint16_t>(s.superScales, lane) = row.superScales[super];
    if (v.offsetKind == OffsetKind::Super) at<std::uint16_t>(s.superOffsets, lane) = row.superOffsets[super];
    for (std::int64_t b = 0; b < s.blocks; ++b, ++block) scatterBlock(row, block * kBlock, s.codes + static_cast<std::size_t>(b) * blockBytes(v.element), lane);
  }
}

void PackedMatrix::scatterBlock(const PackedRow& row, std::size_t first, const std::byte* base, std::size_t lane) {
  const Element e = view_.element;
  const std::byte* high = base + baseBits(e) * 64;
  const std::uint8_t* c = isFloat(e) ? nullptr : row.codes.data() + first;
  switch (e) {
    case Element::F32:
      for (std::size_t k = 0; k < kBlock; ++k) at<std::uint32_t>(base, k * kPanel + lane) = row.words[first + k];
      break;
    case Element::F16:
    case Element::BF16:
      for (std::size_t k = 0; k < kBlock; ++k) at<std::uint16_t>(base, k * kPanel + lane) = static_cast<std::uint16_t>(row.words[first + k]);
      break;
    case Element::S8:
      for (std::size_t k = 0; k < kBlock; k += 4) at<std::uint32_t>(base, k / 4 * kPanel + lane) = word(c + k);
      break;
    case Element::U6:
    case Element::U5:
    case Element::U4:
    case Element::Table4:
      for (std::size_t k = 0; k < kBlock; k += 8) at<std::uint32_t>(base, k / 8 * kPanel + lane) = gather<4>(c + k, 0, 0x0F0F0F0Fu);
      break;
    case Element::U3:
    case Element::U2:
      for (std::size_t k = 0; k < kBlock; k += 16) at<std::uint32_t>(base, k / 16 * kPanel + lane) = gather<2>(c + k, 0, 0x03030303u);
      break;
  }
  if (e == Element::U6)
    for (std::size_t k = 0; k < kBlock; k += 16) at<std::uint32_t>(high, k / 16 * kPanel + lane) = gather<2>(c + k, 4, 0x03030303u);
  if (highBits(e) == 1) at<std::uint32_t>(high, lane) = gather<1>(c, e == Element::U5 ? 4 : 2, 0x01010101u);
}

void PackedMatrix::unpackRows(std::int64_t first, std::int64_t count, float* out) const {
  const PanelView& v = view_;
  for (std::int64_t n = first; n < first + count; ++n, out += cols_) {
    const std::int64_t panel = n / kPanel;
    const int lane = static_cast<int>(n % kPanel);
    const bool adds = v.offsetKind == OffsetKind::F32 || v.offsetKind == OffsetKind::F16 || v.offsetKind == OffsetKind::Super;
    const std::int64_t step = isFloat(v.element) ? kBlock : std::min<std::int64_t>(v.group, kBlock);
    for (std::int64_t k0 = 0; k0 < cols_; k0 += step) {
      const std::byte* codes = kernels::codesOf(v, panel, k0);
      const kernels::GroupScale g = kernels::groupScale(v, n, k0);
      for (std::int64_t k = k0; k < std::min(k0 + step, cols_); ++k) {
        if (isFloat(v.element)) {
          out[k] = kernels::floatAt(v, codes, k % kBlock, lane);
          continue;
        }
        const float code = static_cast<float>(kernels::codeAt(v, codes, k % kBlock, lane) - g.zero);
        out[k] = adds ? g.scale * code + g.offset : g.scale * code;
      }
    }
  }
}

}  // namespace ts
