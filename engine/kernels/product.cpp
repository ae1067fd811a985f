// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/product.h"

#include <algorithm>

#include "engine/kernels/tables.h"

namespace ts {
namespace {

constexpr std::int64_t kLine = kAlignment / sizeof(float);
std::int64_t lines(std::int64_t floats) {
  return (floats + kLine - 1) / kLine * kLine;
}

/// All rows when they fit, else as even as tiles allow.
int evenTile(std::int64_t count, int most) {
  const std::int64_t tiles = std::max<std::int64_t>(1, (count + most - 1) / most);
  return static_cast<int>(std::max<std::int64_t>(1, (count + tiles - 1) / tiles));
}

bool inPlace(ConstRows in, std::int64_t padded) {
  return in.count == 1 && in.width == padded;
}

/// Hands out parts of `memory`, a cache line each at least.
struct Carver {
  float* memory;
  float* take(std::int64_t floats) {
    float* p = memory;
    memory += lines(floats);
    return p;
  }
};

}  // namespace

bool exactByDigits(Element e) {
  return kernels::digitsTable().exact[static_cast<std::size_t>(e)];
}

bool Needs::add(const Needs& more) {
  if (zero != 0 && more.zero != 0 && (zero != more.zero || halves != more.halves)) return false;
  sums32 |= more.sums32, sums16 |= more.sums16;
  if (more.zero != 0) zero = more.zero, halves = more.halves;
  return true;
}
namespace {
Needs sumsFor(const PanelView& v, bool adds) {
  Needs n;
  if (adds) (v.group == 16 ? n.sums16 : n.sums32) = true;
  return n;
}
}  // namespace
Needs needsOfFloats(const PanelView& v) {
  return sumsFor(v, !isFloat(v.element) && !kernels::floatsTable().scaled[static_cast<std::size_t>(v.element)] && v.offsetKind != OffsetKind::None);
}
Needs needsOfDigits(const PanelView& v) {
  Needs n = sumsFor(v, kernels::addsOffsets(v));
  n.zero = kernels::zeroOf(v, kernels::digitsTable().lifted);
  n.halves = v.group == 16;
  return n;
}

std::size_t preparedFloats(std::int64_t count, std::int64_t padded, Needs needs) {
  return static_cast<std::size_t>(lines(count * padded) + (needs.sums32 ? lines(count * padded / 32) : 0));
}
namespace {
/// Integers that a block of one row's digits has as its bias.
std::int64_t biases(const Needs& needs, int digits) {
  return needs.zero == 0 ? 0 : (needs.halves ? 2 : 1) * (digits == 1 ? 1 : 2);
}
}  // namespace
std::size_t preparedDigits(std::int64_t count, std::int64_t padded, int digits, Needs needs) {
  const std::int64_t blocks = count * padded / 32;
  return static_cast<std::size_t>(lines(count * padded / 4 * digits) + (needs.sums32 ? 2 : 1) * lines(blocks) +
                                  (needs.sums16 ? lines(2 * blocks) : 0) + lines(biases(needs, digits) * blocks));
}

FloatTiles layFloats(ConstRows in, std::int64_t padded, Needs needs, float* memory) {
  Carver carver{memory};
  FloatTiles t{.count = in.count, .padded = padded, .tile = evenTile(in.count, kernels::floatsTable().tile)};
  t.x = inPlace(in, padded) ? in.data : carver.take(in.count * padded);
  if (needs.sums32) t.sums = carver.take(in.count * padded / 32);
  return t;
}
DigitTiles layDigits(ConstRows in, std::int64_t padded, int digits, Needs needs, float* memory) {
  Carver carver{memory};
  const std::int64_t blocks = in.count * padded / 32;
  DigitTiles t{.count = in.count, .padded = padded, .tile = evenTile(in.count, kDigitRows), .digits = digits};
  t.x = reinterpret_cast<std::int8_t*>(carver.take(in.count * padded / 4 * digits));
  t.scales = carver.take(blocks);
  if (needs.sums32) t.sums32 = carver.take(blocks);
  if (needs.sums16) t.sums16 = carver.take(2 * blocks);
  t.zero = needs.zero, t.halves = needs.halves;
  if (needs.zero != 0) t.bias = reinterpret_cast<std::int32_t*>(carver.take(biases(needs, digits) * blocks));
  return t;
}

std::int64_t pieces(const FloatTiles& tiles) {
  return (tiles.count + tiles.tile - 1) / tiles.tile;
}
void fill(const FloatTiles& tiles, ConstRows in, Range range) {
  if (tiles.x == in.data && !tiles.sums) return;
  for (std::int64_t i = range.begin; i < range.end; ++i) kernels::floatsTable().fill(tiles, in, i);
}
void fill(const DigitTiles& tiles, ConstRows in, Range rows) {
  kernels::digitsTable().fill[tiles.digits / 2](tiles, in, rows);
}

namespace {
constexpr std::int64_t kSlabFloats = kernels::kSlabBlocks * kBlock * kPanel,
                       kScaleFloats = kernels::kSlabBlocks * kPanel;
kernels::ProductScratch cut(float* scratch) {
  return {scratch, scratch + kSlabFloats, scratch + kSlabFloats + kScaleFloats,
          scratch + kSlabFloats + 2 * kScaleFloats};
}
}  // namespace

std::size_t productScratchFloats(std::int64_t count, const PanelView& view, int digits) {
  if (digits == 0) return static_cast<std::size_t>(kSlabFloats + 2 * kScaleFloats + count * kPanel);
  const bool pairs = digits == 1 && count > 1 && kernels::digitsTable().pairs[static_cast<std::size_t>(view.element)];
  return static_cast<std::size_t>(kDigitRows * kPanel + (pairs ? std::min<std::int64_t>(count, kDigitRows) * view.padded / 2 : 0));
}

void multiplyPanels(const PanelView& view, Range panels, const FloatTiles& tiles, Rows out, float* scratch) {
  const kernels::FloatsTable& table = kernels::floatsTable();
  const auto e = static_cast<std::size_t>(view.element);
  if (tiles.count == tiles.tile && !table.scaled[e]) return table.few[e](view, panels, tiles, out);
  table.many[e](view, panels, tiles, out, cut(scratch));
}
void multiplyPanels(const PanelView& view, Range panels, const DigitTiles& tiles, Rows out, float* scratch) {
  kernels::digitsTable().multiply[static_cast<std::size_t>(view.element)][tiles.digits / 2](view, panels, tiles, out,
                                                                                            scratch);
}

void unpackPanel(const PanelView& view, std::int64_t panel, std::int64_t first, std::int64_t count, float* out) {
  kernels::floatsTable().unpack[static_cast<std::size_t>(view.element)](view, panel, first, count, out);
}

}  // namespace ts
