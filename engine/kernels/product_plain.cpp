// SPDX-License-Identifier: GPL-3.0-or-later
// The reference of the product kernels: plain loops, any machine. Also what TRADESPACE_ISA=scalar runs. A tile is one
// row.
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

/// k0 .. k0 + count, within a block, of one row as unscaled values: floats, or codes as floats.
void values(const PanelView& v, std::int64_t panel, int lane, std::int64_t k0, std::int64_t count, float* out) {
  const std::byte* codes = codesOf(v, panel, k0);
  for (std::int64_t k = k0 % kBlock; count > 0; ++k, --count)
    *out++ = isFloat(v.element) ? floatAt(v, codes, k, lane) : static_cast<float>(codeAt(v, codes, k, lane));
}

void product(const PanelView& v, Range panels, const FloatTiles& tiles, Rows out) {
  for (std::int64_t n = panels.begin * kPanel; n < std::min(panels.end * kPanel, v.rows); ++n)
    for (std::int64_t m = 0; m < tiles.count; ++m) {
      float y = 0;
      for (std::int64_t k = 0; k < v.padded; k += kBlock) {
        const std::int64_t block = at(v.padded, tiles.count, m, k / kBlock);
        float w[kBlock], s = 0;
        values(v, n / kPanel, static_cast<int>(n % kPanel), k, kBlock, w);
        for (std::int64_t i = 0; i < kBlock; ++i) s += w[i] * tiles.x[block * kBlock + i];
        const GroupScale g = groupScale(v, n, k);
        y += isFloat(v.element) ? s : g.scale * s;
        if (v.offsetKind != OffsetKind::None) y += g.offset * tiles.sums[block];
      }
      out.row(m)[n] = y;
    }
}
void productMany(const PanelView& v, Range panels, const FloatTiles& tiles, Rows out, const ProductScratch&) {
  product(v, panels, tiles, out);
}

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

void fill(const FloatTiles& tiles, ConstRows in, std::int64_t m) {
  for (std::int64_t b = 0; b < tiles.padded / kBlock; ++b) {
    const std::int64_t block = at(tiles.padded, in.count, m, b);
    float* x = const_cast<float*>(tiles.x) + block * kBlock;
    float s = 0;
    for (std::int64_t i = 0; i < kBlock; ++i) {
      const std::int64_t k = b * kBlock + i;
      if (tiles.x != in.data) x[i] = k < in.width ? in.row(m)[k] : 0.0f;
      s += x[i];
    }
    if (tiles.sums) const_cast<float*>(tiles.sums)[block] = s;
  }
}

/// Where block b of row m lies in tiles of digits, in blocks.
std::int64_t digitsAt(const DigitTiles& t, std::int64_t m, std::int64_t b) {
  const std::int64_t row0 = m / t.tile * t.tile, rows = std::min<std::int64_t>(t.tile, t.count - row0);
  return row0 * (t.padded / kBlock) + b * rows + m - row0;
}

template <int N>
void productDigits(const PanelView& v, Range panels, const DigitTiles& tiles, Rows out, float*) {
  const std::int64_t step = v.group == 16 ? 16 : kBlock;
  const float* sums = step == 16 ? tiles.sums16 : tiles.sums32;
  const int zero = zeroOf(v, 0);
  for (std::int64_t n = panels.begin * kPanel; n < std::min(panels.end * kPanel, v.rows); ++n) {
    for (std::int64_t m = 0; m < tiles.count; ++m) {
      float y = 0;
      for (std::int64_t k = 0; k < v.padded; k += step) {
        const std::int64_t block = digitsAt(tiles, m, k / kBlock);
        const std::byte* codes = codesOf(v, n / kPanel, k);
        std::int64_t s = 0;
        for (std::int64_t i = 0; i < step; ++i) {
          std::int64_t q = 0;
          for (int digit = N - 1; digit >= 0; --digit)
            q = q * 256 + tiles.x[(block * N + digit) * kBlock + k % kBlock + i];
          s += (codeAt(v, codes, k % kBlock + i, static_cast<int>(n % kPanel)) - zero) * q;
        }
        const GroupScale g = groupScale(v, n, k);
        y += g.scale * (static_cast<float>(s) * tiles.scales[block]);
        if (addsOffsets(v)) y += g.offset * sums[block * (kBlock / step) + k % kBlock / step];
      }
      out.row(m)[n] = y;
    }
  }
}

template <int N>
void fillDigits(const DigitTiles& tiles, ConstRows in, Range rows) {
  for (std::int64_t m = rows.begin; m < rows.end; ++m)
    for (std::int64_t b = 0; b < tiles.padded / kBlock; ++b) {
      const std::int64_t block = digitsAt(tiles, m, b), width = std::min(kBlock * (b + 1), in.width) - kBlock * b;
      const float* row = in.row(m) + b * kBlock;
      float largest = 0, fault = 0;
      for (std::int64_t i = 0; i < width; ++i) largest = std::max(largest, std::fabs(row[i])), fault += row[i] * 0.0f;
      const float inverse = largest > kDigitsLeast ? digitsTop(N) / largest : 0.0f;
      std::int32_t s[2] = {0, 0};
      for (std::int64_t i = 0; i < kBlock; ++i) {
        auto q = i < width && !std::isnan(fault) ? static_cast<std::int32_t>(std::nearbyint(row[i] * inverse)) : 0;
        s[i / 16] += q;
        for (int digit = 0; digit < N; ++digit) {
          const auto low = static_cast<std::int8_t>(q);
          tiles.x[(block * N + digit) * kBlock + i] = low;
          q = (q - low) >> 8;
        }
      }
      const float scale = largest / digitsTop(N) + fault;
      tiles.scales[block] = scale;
      for (int i = 0; i < 2 && tiles.sums16; ++i) tiles.sums16[2 * block + i] = scale * static_cast<float>(s[i]);
      if (tiles.sums32) tiles.sums32[block] = scale * static_cast<float>(s[0] + s[1]);
    }
}

}  // namespace

const FloatsTable& plainFloatsTable() {
  static const FloatsTable table = [] {
    FloatsTable t{};
    t.tile = 1, t.fill = fill;
    for (int e = 0; e < kElements; ++e) t.few[e] = product, t.many[e] = productMany, t.unpack[e] = unpack;
    return t;
  }();
  return table;
}
const DigitsTable& plainDigitsTable() {
  static const DigitsTable table = [] {
    DigitsTable t{};
    for (int e = 0; e < kElements; ++e) {
      const auto element = static_cast<Element>(e);
      t.exact[e] = !isFloat(element) && element != Element::S8 && element != Element::Table4;
    }
    t.fill[0] = fillDigits<1>, t.fill[1] = fillDigits<3>;
    for (auto& f : t.multiply) f[0] = productDigits<1>, f[1] = productDigits<3>;
    return t;
  }();
  return table;
}

}  // namespace ts::kernels
