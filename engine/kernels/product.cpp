// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/product.h"

#include <algorithm>

#include "engine/kernels/tables.h"

namespace ts {
namespace {

constexpr std::int64_t kLine = kAlignment / sizeof(float);
std::int64_t lines(std::int64_t floats) { return (floats + kLine - 1) / kLine * kLine; }

int evenTile(std::int64_t count, int most) {
  const std::int64_t tiles = tileCount(count, most);
  return static_cast<int>(std::max<std::int64_t>(1, (count + tiles - 1) / std::max<std::int64_t>(1, tiles)));
}

bool inPlace(ConstRows in, std::int64_t padded) { return in.count == 1 && in.width == padded; }

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

Needs needs(const PanelView& v) {
  Needs n;
  if (isFloat(v.element)) return n;
  if (v.offsetKind != OffsetKind::None) (v.group == 16 ? n.sums16 : n.sums32) = true;
  n.words = v.element == Element::S8 || v.element == Element::Table4;
  return n;
}

int tileRowsF32(std::int64_t count) { return evenTile(count, kernels::f32Table().tile); }
int tileRowsQ8(std::int64_t count) { return evenTile(count, kernels::q8Table().tile); }

std::size_t preparedFloatsF32(std::int64_t count, std::int64_t padded, Needs needs) {
  return static_cast<std::size_t>(lines(count * padded) + (needs.sums32 ? lines(count * padded / 32) : 0) +
                                  (needs.sums16 ? lines(count * padded / 16) : 0));
}
namespace {
constexpr std::int64_t kDirectRows = 4;
bool wantsWords(std::int64_t count, Needs needs) { return needs.words && count > kDirectRows && kernels::q8Table().words; }
}  // namespace
std::size_t preparedFloatsQ8(std::int64_t count, std::int64_t padded, Needs needs) {
  const std::int64_t blocks = count * padded / 32;
  return static_cast<std::size_t>(lines(count * padded / 4) + (wantsWords(count, needs) ? lines(count * padded / 2) : 0) + 2 * lines(blocks) + (needs.sums32 ? lines(blocks) : 0) +
                                  (needs.sums16 ? lines(2 * blocks) : 0));
}

TilesF32 layTilesF32(ConstRows in, std::int64_t padded, Needs needs, float* memory) {
  Carver carver{memory};
  TilesF32 t{.count = in.count, .padded = padded, .tile = tileRowsF32(in.count)};
  t.x = inPlace(in, padded) ? in.data : carver.take(in.count * padded);
  if (needs.sums32) t.sums32 = carver.take(in.count * padded / 32);
  if (needs.sums16) t.sums16 = carver.take(in.count * padded / 16);
  return t;
}
TilesQ8 layTilesQ8(ConstRows in, std::int64_t padded, Needs needs, float* memory) {
  Carver carver{memory};
  const std::int64_t blocks = in.count * padded / 32;
  TilesQ8 t{.count = in.count, .padded = padded, .tile = tileRowsQ8(in.count)};
  t.x = reinterpret_cast<const std::int8_t*>(carver.take(in.count * padded / 4));
  if (wantsWords(in.count, needs)) t.words = reinterpret_cast<const std::int16_t*>(carver.take(in.count * padded / 2));
  t.scales = carver.take(blocks);
  t.codeSums = reinterpret_cast<const std::int32_t*>(carver.take(blocks));
  if (needs.sums32) t.sums32 = carver.take(blocks);
  if (needs.sums16) t.sums16 = carver.take(2 * blocks);
  return t;
}

void fillTileF32(const TilesF32& tiles, ConstRows in, std::int64_t tile) {
  if (tiles.x == in.data && !tiles.sums32 && !tiles.sums16) return;
  kernels::f32Table().fill(tiles, in, tile);
}
void fillTileQ8(const TilesQ8& tiles, ConstRows in, std::int64_t tile) { kernels::q8Table().fill(tiles, in, tile); }

namespace {
constexpr std::int64_t kSlabFloats = kernels::kSlabBlocks * kBlock * kPanel, kScaleFloats = kernels::kSlabBlocks * 2 * kPanel;
kernels::ProductScratch cut(float* scratch) {
  return {scratch, scratch + kSlabFloats, scratch + kSlabFloats + kScaleFloats, scratch + kSlabFloats + 2 * kScaleFloats};
}
}  // namespace

std::size_t productScratchFloats(std::int64_t count) { return static_cast<std::size_t>(kSlabFloats + 2 * kScaleFloats + count * kPanel); }

void multiplyPanels(const PanelView& view, Range panels, const TilesF32& tiles, Rows out, float* scratch) {
  const kernels::F32Table& table = kernels::f32Table();
  const auto e = static_cast<std::size_t>(view.element);
  if (tiles.count == 1) return table.one[e](view, panels, tiles, out);
  table.many[e](view, panels, tiles, out, cut(scratch));
}
void multiplyPanels(const PanelView& view, Range panels, const TilesQ8& tiles, Rows out, float* scratch) {
  const kernels::Q8Table& table = kernels::q8Table();
  const auto e = static_cast<std::size_t>(view.element);
  if (tiles.count <= kDirectRows && tiles.tile == tiles.count) return table.direct[e][tiles.count - 1](view, panels, tiles, out);
  table.many[e](view, panels, tiles, out, cut(scratch));
}

void unpackPanel(const PanelView& view, std::int64_t panel, std::int64_t first, std::int64_t count, float* out) {
  kernels::f32Table().unpack[static_cast<std::size_t>(view.element)](view, panel, first, count, out);
}

}  // namespace ts
