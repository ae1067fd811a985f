// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/cache_codes.h"

#include <cassert>
#include <type_traits>

#include "engine/kernels/attention.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/targets.h"
#undef HWY_WANT_AVX3_DL  // adds nothing here

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/cache_codes.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef TS_CACHE_CODES_TABLE
#define TS_CACHE_CODES_TABLE
namespace ts::kernels {
struct CacheCodesTable {
  decltype(&ts::bytesToRows) bytesToRows;
  decltype(&ts::bytesToKeyPanels) bytesToKeyPanels;
  decltype(&ts::nibblesToFloats) nibblesToFloats;
  void (*scoreBytes)(ConstRows, const ByteGroups&, Range, Rows);
  void (*addBytes)(ConstRows, const ByteGroups&, Range, Rows);
  void (*scoreNibbles)(ConstRows, const NibbleGroups&, Range, Rows);
  void (*addNibbles)(ConstRows, const NibbleGroups&, Range, Rows);
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kKeyPanel>;
using V = hn::Vec<D>;
constexpr D d;
constexpr hn::RebindToSigned<D> di;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(HWY_LANES(float)) < kKeyPanel ? static_cast<std::int64_t>(HWY_LANES(float)) : kKeyPanel;

constexpr int kParts = static_cast<int>(kKeyPanel / kLanes);          ///< vectors of a panel's lanes
constexpr int kGroupVectors = static_cast<int>(kCodeGroup / kLanes);  ///< of a group's

static_assert(kCodeGroup == 2 * kKeyPanel && kCodeBlock == 2 * kKeyPanel);

HWY_INLINE V load(const std::int8_t* codes) {
  const hn::Rebind<std::int8_t, D> d8;
  return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d8, codes)));
}

/// What is read this much later is asked for now (attention-inl.h).
constexpr std::int64_t kAhead = 8192;
HWY_INLINE void askFor(const void* p) { __builtin_prefetch(static_cast<const char*>(p) + kAhead, 0, 2); }

void bytesToRows(const std::int8_t* codes, const float* scales, std::int64_t rows, std::int64_t dim, float* out) {
  for (std::int64_t r = 0; r < rows; ++r) {
    std::int64_t left = dim;
    for (; left >= kCodeBlock; left -= kCodeBlock, codes += kCodeBlock, out += kCodeBlock, ++scales) {
      const V scale = hn::Set(d, *scales);
      askFor(codes);
#pragma GCC unroll 8
      for (std::int64_t i = 0; i < kCodeBlock; i += kLanes) hn::StoreU(hn::Mul(scale, load(codes + i)), d, out + i);
    }
    for (std::int64_t i = 0; i < left; ++i) *out++ = *scales * static_cast<float>(*codes++);
    if (left > 0) ++scales;
  }
}

void bytesToKeyPanels(const std::int8_t* codes, const float* scales, std::int64_t panels, std::int64_t dim, float* out) {
  for (std::int64_t p = 0; p < panels; ++p)
    for (std::int64_t begin = 0; begin < dim; begin += kCodeBlock, scales += kKeyPanel) {
      const std::int64_t end = begin + kCodeBlock < dim ? begin + kCodeBlock : dim;
      V scale[kParts];
      for (int h = 0; h < kParts; ++h) scale[h] = hn::LoadU(d, scales + h * kLanes);
      const auto one = [&] HWY_ATTR {
        for (int h = 0; h < kParts; ++h) hn::StoreU(hn::Mul(scale[h], load(codes + h * kLanes)), d, out + h * kLanes);
        codes += kKeyPanel, out += kKeyPanel;
      };
      constexpr std::int64_t line = 64 / kKeyPanel;
      std::int64_t i = begin;
      for (; i + line <= end; i += line) {
        askFor(codes);
#pragma GCC unroll 4
        for (std::int64_t j = 0; j < line; ++j) one();
      }
      for (; i < end; ++i) one();
    }
}

/// Values of a block's first (half 0) or last 16, a vector from `at` on.
HWY_INLINE V valuesOf(const NibbleBlock& block, std::int64_t half, std::int64_t at) {
  const hn::Rebind<std::uint8_t, D> d8;
  const auto both = hn::LoadU(d8, block.codes + at), code = hn::And(half == 0 ? both : hn::ShiftRight<4>(both), hn::Set(d8, 15));
  return hn::Add(hn::Set(d, block.minimum), hn::Mul(hn::Set(d, block.scale), hn::ConvertTo(d, hn::PromoteTo(di, code))));
}

void nibblesToFloats(const NibbleBlock* blocks, std::int64_t count, std::int64_t step, std::int64_t apart, float* out) {
  for (std::int64_t b = 0; b < count; ++b, ++blocks, out += step) {
    askFor(blocks);
    for (int half = 0; half < 2; ++half)
      for (std::int64_t at = 0; at < kCodeBlock / 2; at += kLanes) hn::StoreU(valuesOf(*blocks, half, at), d, out + half * apart + at);
  }
}

// Few queries take rows straight from their codes. A source says what a group of 32 rows holds: of keys, vector v of value i
// (its two panels' lanes side by side), of values, a vector of row r from value i on.

struct ByteKeys {
  ByteKeys(const ByteGroups& groups, std::int64_t g) : codes(groups.codes(g)), scales(groups.scales(g)), dim(groups.dim) {}
  HWY_INLINE void begin(std::int64_t block) {
    for (int v = 0; v < kGroupVectors; ++v) {
      const float* at = scales + (v / kParts * codeBlocks(dim) + block) * kKeyPanel + v % kParts * kLanes;
      scale[v] = hn::LoadU(d, at);
      askFor(at);
    }
  }
  HWY_INLINE void ask(std::int64_t i) const {
    if (i % (64 / kKeyPanel) == 0) askFor(codes + i * kKeyPanel), askFor(codes + (dim + i) * kKeyPanel);
  }
  HWY_INLINE V get(int v, std::int64_t i) const { return hn::Mul(scale[v], load(codes + (v / kParts * dim + i) * kKeyPanel + v % kParts * kLanes)); }
  const std::int8_t* codes;
  const float* scales;
  std::int64_t dim;
  V scale[kGroupVectors];
};
struct NibbleKeys {
  NibbleKeys(const NibbleGroups& groups, std::int64_t g) : blocks(groups.first + g * groups.dim), dim(groups.dim) {}
  HWY_INLINE void begin(std::int64_t) {}
  HWY_INLINE void ask(std::int64_t i) const { askFor(blocks + i); }
  HWY_INLINE V get(int v, std::int64_t i) const { return valuesOf(blocks[i], v / kParts, v % kParts * kLanes); }
  const NibbleBlock* blocks;
  std::int64_t dim;
};
struct ByteValues {
  static constexpr bool kWholeVectors = false;
  ByteValues(const ByteGroups& groups, std::int64_t g) : codes(groups.codes(g)), scales(groups.scales(g)), dim(groups.dim) {}
  HWY_INLINE void ask(std::int64_t r, std::int64_t i) const {
    askFor(codes + r * dim + i);
    if (i == 0) askFor(scales + r * codeBlocks(dim));
  }
  HWY_INLINE float scale(std::int64_t r, std::int64_t i) const { return scales[r * codeBlocks(dim) + i / kCodeBlock]; }
  HWY_INLINE V get(std::int64_t r, std::int64_t i) const { return hn::Mul(hn::Set(d, scale(r, i)), load(codes + r * dim + i)); }
  HWY_INLINE float one(std::int64_t r, std::int64_t i) const { return scale(r, i) * static_cast<float>(codes[r * dim + i]); }
  const std::int8_t* codes;
  const float* scales;
  std::int64_t dim;
};
struct NibbleValues {
  static constexpr bool kWholeVectors = true;  // rows are whole blocks
  NibbleValues(const NibbleGroups& groups, std::int64_t g) : blocks(groups.first + g * groups.dim), across(groups.dim / kCodeBlock) {}
  HWY_INLINE const NibbleBlock& block(std::int64_t r, std::int64_t i) const { return blocks[r * across + i / kCodeBlock]; }
  HWY_INLINE void ask(std::int64_t r, std::int64_t i) const { askFor(&block(r, i)); }
  HWY_INLINE V get(std::int64_t r, std::int64_t i) const { return valuesOf(block(r, i), i % kCodeBlock / kKeyPanel, i % kKeyPanel); }
  const NibbleBlock* blocks;
  std::int64_t across;
};

/// body(queries as a constant).
template <class Body>
HWY_INLINE void withCount(std::int64_t queries, Body body) {
  static_assert(kFewQueries == 4);
  switch (queries) {
    case 1: return body(std::integral_constant<int, 1>());
    case 2: return body(std::integral_constant<int, 2>());
    case 3: return body(std::integral_constant<int, 3>());
    case 4: return body(std::integral_constant<int, 4>());
    default: assert(queries == 0 && "who has many queries decodes");
  }
}

/// body(group, rows within it, how many rows were before).
template <class Body>
HWY_INLINE void eachGroup(Range rows, Body body) {
  constexpr std::int64_t all = kCodeGroup;
  for (std::int64_t r = rows.begin; r < rows.end;) {
    const std::int64_t g = r / all, first = g * all, end = rows.end < first + all ? rows.end : first + all;
    body(g, Range{r - first, end - first}, r - rows.begin);
    r = end;
  }
}

/// Vectors [first, last) of a group: as many as leave registers for their sums.
template <int first, int last, class Source, int Q>
HWY_INLINE void scoreVectors(ConstRows queries, Source keys, V (&sums)[Q][kGroupVectors]) {
  const std::int64_t dim = queries.width;
  for (int q = 0; q < Q; ++q)
    for (int v = first; v < last; ++v) sums[q][v] = hn::Zero(d);
  for (std::int64_t begin = 0; begin < dim; begin += kCodeBlock) {
    const std::int64_t end = begin + kCodeBlock < dim ? begin + kCodeBlock : dim;
    keys.begin(begin / kCodeBlock);
    for (std::int64_t i = begin; i < end; ++i) {
      keys.ask(i);
      V key[kGroupVectors];
      for (int v = first; v < last; ++v) key[v] = keys.get(v, i);
      for (int q = 0; q < Q; ++q) {
        const V x = hn::Set(d, queries.row(q)[i]);
        for (int v = first; v < last; ++v) sums[q][v] = hn::MulAdd(key[v], x, sums[q][v]);
      }
    }
  }
}

template <class Source, class Groups>
void score(ConstRows queries, const Groups& groups, Range rows, Rows scores) {
  withCount(queries.count, [&](auto count) HWY_ATTR {
    eachGroup(rows, [&](std::int64_t g, Range within, std::int64_t before) HWY_ATTR {
      V sums[count][kGroupVectors];
      if constexpr (kGroupVectors == 2) {
        scoreVectors<0, 2>(queries, Source(groups, g), sums);
      } else {
        scoreVectors<0, kParts>(queries, Source(groups, g), sums);
        scoreVectors<kParts, kGroupVectors>(queries, Source(groups, g), sums);
      }
      for (int q = 0; q < count; ++q) {
        float* out = scores.row(q) + before;
        if (within.size() == kCodeGroup) {
          for (int v = 0; v < kGroupVectors; ++v) hn::StoreU(sums[q][v], d, out + v * kLanes);
        } else {
          HWY_ALIGN float each[kCodeGroup];
          for (int v = 0; v < kGroupVectors; ++v) hn::Store(sums[q][v], d, each + v * kLanes);
          for (std::int64_t i = within.begin; i < within.end; ++i) out[i - within.begin] = each[i];
        }
      }
    });
  });
}

/// `vectors` vectors of the output from value i on, over some rows of a group in order; weights are of the first of them.
template <int Q, int vectors, class Source>
HWY_INLINE void addRows(const float* weights, std::int64_t stride, const Source& values, Range rows, std::int64_t i, Rows out) {
  V sums[Q][vectors];
  for (int q = 0; q < Q; ++q)
    for (int v = 0; v < vectors; ++v) sums[q][v] = hn::LoadU(d, out.row(q) + i + v * kLanes);
  for (std::int64_t r = rows.begin; r < rows.end; ++r, ++weights) {
    values.ask(r, i);
    V w[Q];
    for (int q = 0; q < Q; ++q) w[q] = hn::Set(d, weights[q * stride]);
    for (int v = 0; v < vectors; ++v) {
      const V value = values.get(r, i + v * kLanes);
      for (int q = 0; q < Q; ++q) sums[q][v] = hn::MulAdd(w[q], value, sums[q][v]);
    }
  }
  for (int q = 0; q < Q; ++q)
    for (int v = 0; v < vectors; ++v) hn::StoreU(sums[q][v], d, out.row(q) + i + v * kLanes);
}

template <class Source, class Groups>
void add(ConstRows weights, const Groups& groups, Range rows, Rows out) {
  const std::int64_t dim = out.width;
  withCount(weights.count, [&](auto count) HWY_ATTR {
    constexpr int vectors = kLanes == kKeyPanel || count <= 3 ? 4 : 2;  // 12 sums are as many as 16 registers hold
    eachGroup(rows, [&](std::int64_t g, Range within, std::int64_t before) HWY_ATTR {
      const Source values(groups, g);
      const float* w = weights.data + before;
      std::int64_t i = 0;
      for (; i + vectors * kLanes <= dim; i += vectors * kLanes) addRows<count, vectors>(w, weights.stride, values, within, i, out);
      for (; i + kLanes <= dim; i += kLanes) addRows<count, 1>(w, weights.stride, values, within, i, out);
      if constexpr (!Source::kWholeVectors) {
        const hn::CappedTag<float, 1> d1;  // fused or not, as vectors are
        for (; i < dim; ++i)
          for (int q = 0; q < count; ++q)
            for (std::int64_t r = within.begin; r < within.end; ++r) {
              float& to = out.row(q)[i];
              to = hn::GetLane(hn::MulAdd(hn::Set(d1, w[q * weights.stride + r - within.begin]), hn::Set(d1, values.one(r, i)), hn::Set(d1, to)));
            }
      }
    });
  });
}

}  // namespace

const CacheCodesTable* cacheCodesTable() {
  static const CacheCodesTable table{bytesToRows,          bytesToKeyPanels,     nibblesToFloats,         score<ByteKeys, ByteGroups>,
                                     add<ByteValues, ByteGroups>, score<NibbleKeys, NibbleGroups>, add<NibbleValues, NibbleGroups>};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
namespace {
TS_CHOSEN_TABLE(CacheCodesTable, table, cacheCodesTable)
}  // namespace
}  // namespace kernels
using kernels::table;

void bytesToRows(const std::int8_t* codes, const float* scales, std::int64_t rows, std::int64_t dim, float* out) { table().bytesToRows(codes, scales, rows, dim, out); }
void bytesToKeyPanels(const std::int8_t* codes, const float* scales, std::int64_t panels, std::int64_t dim, float* out) { table().bytesToKeyPanels(codes, scales, panels, dim, out); }
void nibblesToFloats(const NibbleBlock* blocks, std::int64_t count, std::int64_t step, std::int64_t apart, float* out) { table().nibblesToFloats(blocks, count, step, apart, out); }
void scoreCodes(ConstRows queries, const ByteGroups& groups, Range rows, Rows scores) { table().scoreBytes(queries, groups, rows, scores); }
void scoreCodes(ConstRows queries, const NibbleGroups& groups, Range rows, Rows scores) { table().scoreNibbles(queries, groups, rows, scores); }
void addCodes(ConstRows weights, const ByteGroups& groups, Range rows, Rows out) { table().addBytes(weights, groups, rows, out); }
void addCodes(ConstRows weights, const NibbleGroups& groups, Range rows, Rows out) { table().addNibbles(weights, groups, rows, out); }

}  // namespace ts
#endif
