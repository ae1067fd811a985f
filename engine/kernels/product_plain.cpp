// SPDX-License-Identifier: GPL-3.0-or-later
// The reference of the product kernels: plain loops, any machine. Also what TRADESPACE_ISA=scalar runs. A tile is one row.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/core/half.h"
#include "engine/kernels/panel_codes.h"
#include "engine/kernels/tables.h"

namespace ts::kernels {
namespace {

/// Where block b of row m lies, in blocks.
std::int64_t at(std::int64_t padded, std::int64_t count, std::int64_t m, std::int64_t b) {
  const std::int64_t all = padded / kBlock, first = b / kSlabBlocks * kSlabBlocks;
  return blockAt(count, m, first, std::min<std::int64_t>(kSlabBlocks, all - first)) + b - first;
}

/// k0 .. k0 + count of one row as unscaled values: floats, or codes as floats.
void values(const PanelView& v, std::int64_t panel, int lane, std::int64_t k0, std::int64_t count, float* out) {
  const std::byte* base = v.base + static_cast<std::size_t>(panel) * v.basePanelBytes;
  const std::byte* high = v.high + static_cast<std::size_t>(panel) * v.highPanelBytes;
  for (std::int64_t k = k0; k < k0 + count; ++k) *out++ = isFloat(v.element) ? floatAt(v, base, k, lane) : static_cast<float>(codeAt(v, base, high, k, lane));
}

void product(const PanelView& v, Range panels, const TilesF32& tiles, Rows out) {
  const std::int64_t step = !isFloat(v.element) && v.group == 16 ? 16 : kBlock;
  const float* sums = step == 16 ? tiles.sums16 : tiles.sums32;
  for (std::int64_t n = panels.begin * kPanel; n < std::min(panels.end * kPanel, v.rows); ++n)
    for (std::int64_t m = 0; m < tiles.count; ++m) {
      float y = 0;
      for (std::int64_t k = 0; k < v.padded; k += step) {
        float w[kBlock], s = 0;
        values(v, n / kPanel, static_cast<int>(n % kPanel), k, step, w);
        for (std::int64_t i = 0; i < step; ++i) s += w[i] * tiles.x[at(v.padded, tiles.count, m, k / 32) * 32 + k % 32 + i];
        const GroupScale g = groupScale(v, n, k);
        y += isFloat(v.element) ? s : g.scale * s;
        if (v.offsetKind != OffsetKind::None) y += g.offset * sums[at(v.padded, tiles.count, m, k / 32) * (32 / step) + k % 32 / step];
      }
      out.row(m)[n] = y;
    }
}
void productMany(const PanelView& v, Range panels, const TilesF32& tiles, Rows out, const ProductScratch&) { product(v, panels, tiles, out); }

void unpack(const PanelView& v, std::int64_t panel, std::int64_t first, std::int64_t count, float* out) {
  for (std::int64_t k = 0; k < count * kBlock; ++k)
    for (int lane = 0; lane < kPanel; ++lane) {
      float w;
      values(v, panel, lane, first * kBlock + k, 1, &w);
      const std::int64_t n = panel * kPanel + lane;
      if (!isFloat(v.element) && n < v.rows) {
        const GroupScale g = groupScale(v, n, first * kBlock + k);
        w = g.scale * w + g.offset;
      }
      out[k * kPanel + lane] = w;
    }
}

void fill(const TilesF32& tiles, ConstRows in, std::int64_t m) {
  for (std::int64_t k = 0; k < tiles.padded; k += 16) {
    const std::int64_t block = at(tiles.padded, in.count, m, k / 32);
    float* x = const_cast<float*>(tiles.x) + block * 32 + k % 32;
    float s = 0;
    for (std::int64_t i = 0; i < 16; ++i) {
      if (tiles.x != in.data) x[i] = k + i < in.width ? in.row(m)[k + i] : 0.0f;
      s += x[i];
    }
    if (tiles.sums16) const_cast<float*>(tiles.sums16)[block * 2 + k % 32 / 16] = s;
    if (tiles.sums32) {
      float& sum = const_cast<float*>(tiles.sums32)[block];
      sum = k % 32 == 0 ? s : sum + s;
    }
  }
}

void productQ8(const PanelView& v, Range panels, const TilesQ8& tiles, Rows out) {
  const std::int64_t step = v.group == 16 ? 16 : kBlock;
  const float* sums = step == 16 ? tiles.sums16 : tiles.sums32;
  for (std::int64_t n = panels.begin * kPanel; n < std::min(panels.end * kPanel, v.rows); ++n) {
    const std::byte* base = v.base + static_cast<std::size_t>(n / kPanel) * v.basePanelBytes;
    const std::byte* high = v.high + static_cast<std::size_t>(n / kPanel) * v.highPanelBytes;
    for (std::int64_t m = 0; m < tiles.count; ++m) {
      float y = 0;
      for (std::int64_t k = 0; k < v.padded; k += step) {
        int s = 0;
        const std::int64_t block = at(v.padded, tiles.count, m, k / 32);
        for (std::int64_t i = 0; i < step; ++i) s += codeAt(v, base, high, k + i, static_cast<int>(n % kPanel)) * tiles.x[block * 32 + k % 32 + i];
        const GroupScale g = groupScale(v, n, k);
        y += g.scale * (static_cast<float>(s) * tiles.scales[block]);
        if (v.offsetKind != OffsetKind::None) y += g.offset * sums[block * (32 / step) + k % 32 / step];
      }
      out.row(m)[n] = y;
    }
  }
}
void productManyQ8(const PanelView& v, Range panels, const TilesQ8& tiles, Rows out, const ProductScratch&) { productQ8(v, panels, tiles, out); }

void fillQ8(const TilesQ8& tiles, ConstRows in, std::int64_t m) {
  const float* row = in.row(m);
  for (std::int64_t b = 0; b < tiles.padded / 32; ++b) {
    const std::int64_t block = at(tiles.padded, in.count, m, b);
    std::int8_t* x = const_cast<std::int8_t*>(tiles.x) + block * 32;
    float largest = 0;
    for (std::int64_t k = b * 32; k < std::min(b * 32 + 32, in.width); ++k) largest = std::max(largest, std::fabs(row[k]));
    const float scale = largest / 127.0f, inverse = largest > 0 ? 127.0f / largest : 0.0f;
    int s[2] = {0, 0};
    for (std::int64_t i = 0; i < 32; ++i) {
      const std::int64_t k = b * 32 + i;
      x[i] = k < in.width ? static_cast<std::int8_t>(std::nearbyint(row[k] * inverse)) : std::int8_t{0};
      s[i / 16] += x[i];
    }
    const_cast<float*>(tiles.scales)[block] = scale;
    for (std::int64_t i = 0; i < 2 && tiles.sums16; ++i) const_cast<float*>(tiles.sums16)[2 * block + i] = scale * static_cast<float>(s[i]);
    if (tiles.sums32) const_cast<float*>(tiles.sums32)[block] = scale * static_cast<float>(s[0] + s[1]);
  }
}

}  // namespace

const F32Table& plainF32Table() {
  static const F32Table table = [] {
    F32Table t{};
    t.tile = 1, t.fill = fill;
    for (int e = 0; e < kElements; ++e) t.one[e] = product, t.many[e] = productMany, t.unpack[e] = unpack;
    return t;
  }();
  return table;
}
const Q8Table& plainQ8Table() {
  static const Q8Table table = [] {
    Q8Table t{};
    t.tile = 1, t.fill = fillQ8;
    for (int e = 0; e < kElements; ++e) {
      for (auto& f : t.direct[e]) f = productQ8;
      t.many[e] = productManyQ8;
    }
    return t;
  }();
  return table;
}

}  // namespace ts::kernels
