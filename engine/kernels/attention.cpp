// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/attention.h"

#include <algorithm>

#include "engine/core/half.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/attention.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef TS_ATTENTION_TABLE
#define TS_ATTENTION_TABLE
namespace ts::kernels {
struct AttentionTable {
  void (*score32)(ConstRows, const float*, Range, Rows, const float*);
  void (*score16)(ConstRows, const std::uint16_t*, Range, Rows, const float*);
  decltype(&ts::layQueries) lay;
  void (*add32)(ConstRows, const float*, Rows);
  void (*add16)(ConstRows, const std::uint16_t*, Rows);
  decltype(&ts::toKeyPanels) toPanels;
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE float one(float x) { return x; }
HWY_INLINE float one(std::uint16_t x) { return floatOfHalf(x); }

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
const float* lay(ConstRows, float*) { return nullptr; }
template <class T>
void score(ConstRows queries, const T* panels, Range rows, Rows scores, const float*) {
  const std::int64_t dim = queries.width;
  for (std::int64_t q = 0; q < queries.count; ++q)
    for (std::int64_t r = rows.begin; r < rows.end; ++r) {
      const T* key = panels + r / kKeyPanel * kKeyPanel * dim + r % kKeyPanel;
      float sum = 0;
      for (std::int64_t i = 0; i < dim; ++i) sum += queries.row(q)[i] * one(key[i * kKeyPanel]);
      scores.row(q)[r - rows.begin] = sum;
    }
}
template <class T>
void add(ConstRows weights, const T* rows, Rows out) {
  for (std::int64_t q = 0; q < out.count; ++q)
    for (std::int64_t r = 0; r < weights.width; ++r)
      for (std::int64_t i = 0; i < out.width; ++i) out.row(q)[i] += weights.row(q)[r] * one(rows[r * out.width + i]);
}
void toPanels(ConstRows rows, float* panels) {
  const std::int64_t dim = rows.width;
  for (std::int64_t r = 0; r < keyPanels(rows.count) * kKeyPanel; ++r)
    for (std::int64_t i = 0; i < dim; ++i)
      panels[(r / kKeyPanel * dim + i) * kKeyPanel + r % kKeyPanel] = r < rows.count ? rows.row(r)[i] : 0.0f;
}
#else

using D = hn::CappedTag<float, kKeyPanel>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int kLanes = static_cast<int>(HWY_LANES(float)) < kKeyPanel ? static_cast<int>(HWY_LANES(float)) : kKeyPanel;
constexpr int kParts = kKeyPanel / kLanes;

HWY_INLINE V load(const float* p) { return hn::LoadU(d, p); }
HWY_INLINE V load(const std::uint16_t* p) {
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p)));
}

/// The compiler takes v for changed here, so that it neither loads it again for each use nor puts off what uses it.
HWY_INLINE void keep(V& v) {
#if HWY_ARCH_X86
  asm("" : "+v"(v.raw));
#else
  (void)v;
#endif
}

/// What is read this much later is asked for now: a processor's own prefetch stops at the end of a page.
template <class T>
constexpr std::int64_t kAhead = 8192 / sizeof(T);
HWY_INLINE void prefetchLine(const void* p) { __builtin_prefetch(p, 0, 2); }  // 2: past the first level, which both streams would fill
/// The lines of `count` values from p on.
template <class T>
HWY_INLINE void prefetchValues(const T* p, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += 64 / static_cast<std::int64_t>(sizeof(T))) prefetchLine(p + i);
}

/// Q queries against P panels, one after another in memory; sums[q] holds the panels' vectors side by side. Value i of query
/// q is at query[q * across + i * along].
template <int Q, int P, bool Ahead, class T>
HWY_INLINE void scorePanels(const float* query, std::int64_t across, std::int64_t along, const T* panels, std::int64_t dim, V (&sums)[Q][P * kParts]) {
#pragma GCC unroll 16
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
    for (int p = 0; p < P * kParts; ++p) sums[q][p] = hn::Zero(d);
#pragma GCC unroll 2
  for (std::int64_t i = 0; i < dim; ++i) {
    V key[P * kParts];
#pragma GCC unroll 8
    for (int p = 0; p < P * kParts; ++p) {
      const T* at = panels + (p / kParts * dim + i) * kKeyPanel + p % kParts * kLanes;
      if constexpr (Ahead) {  // lines one after another, other than the panels' are read: so a processor fetches ahead by itself, too
        constexpr std::int64_t line = 64 / (kKeyPanel * static_cast<std::int64_t>(sizeof(T)));  // values in one: 1 or 2
        if (p % kParts == 0 && i % line == 0) prefetchLine(panels + kAhead<T> + (P - 1) * dim * kKeyPanel + (i * P + p / kParts * line) * kKeyPanel);
      }
      key[p] = load(at);
      keep(key[p]);
    }
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) {
      const V x = hn::Set(d, query[q * across + i * along]);
#pragma GCC unroll 8
      for (int p = 0; p < P * kParts; ++p) sums[q][p] = hn::MulAdd(key[p], x, sums[q][p]);
    }
  }
}

/// Writes the scores of rows [begin, end) of a panel.
template <int Q, int vectors>
HWY_INLINE void storeScores(const V (&sums)[Q][vectors], int first, std::int64_t begin, std::int64_t end, float* to, std::int64_t stride) {
  if (end - begin == kKeyPanel) {
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q)
#pragma GCC unroll 4
      for (int p = 0; p < kParts; ++p) hn::StoreU(sums[q][first + p], d, to + q * stride + p * kLanes);
    return;
  }
#pragma GCC unroll 16
  for (int q = 0; q < Q; ++q) {
    HWY_ALIGN float all[kKeyPanel];
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) hn::Store(sums[q][first + p], d, all + p * kLanes);
    for (std::int64_t i = begin; i < end; ++i) to[q * stride + i - begin] = all[i];
  }
}

/// Queries that share what is loaded, and vectors of values: as many as leave registers for their sums. (NEON's 32 are of a quarter of the length.)
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL;
constexpr int kScored = kManyRegisters ? 8 : 6, kAdded = 6, kAddedVectors = HWY_TARGET == HWY_AVX2 ? 2 : 4;
constexpr int kPanelsTogether = kManyRegisters ? 2 : 1;

/// body(width constant, first): 0 .. count in even groups of at most `most`.
template <int most, class Body>
HWY_INLINE void byGroups(std::int64_t count, Body body) {
  std::int64_t q = 0;
  const auto whole = [&](auto width, std::int64_t until) HWY_ATTR {
    for (; until - q >= width; q += width) body(width, q);
  };
  const std::int64_t rest = count % most;
  // The rest and the last whole group are evened out: 5 and 4 rather than 8 and 1.
  const std::int64_t evened = rest == 0 || count < most ? rest : rest + most;
  whole(std::integral_constant<int, most>(), count - evened);
  const auto one = [&](std::int64_t width) HWY_ATTR {
    if (width == 0) return;
    const auto pick = [&](auto w) HWY_ATTR {
      if (w == width) body(w, q);
    };
    [&]<int... w>(std::integer_sequence<int, w...>) HWY_ATTR { (pick(std::integral_constant<int, w + 1>()), ...); }(std::make_integer_sequence<int, most>());
    q += width;
  };
  const std::int64_t half = evened > most ? (evened + 1) / 2 : evened;
  one(half), one(evened - half);
}

/// Eight vectors of eight, row i in v[i], become column i in v[i].
using D8 = hn::CappedTag<float, 8>;
constexpr D8 d8;
constexpr int kSide = kLanes < 8 ? kLanes : 8;
HWY_INLINE void transpose(hn::Vec<D8> (&v)[kSide]) {
  using V8 = hn::Vec<D8>;
  const hn::Repartition<double, D8> pairs;
  const auto low = [&](V8 a, V8 b) HWY_ATTR { return hn::BitCast(d8, hn::InterleaveLower(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b))); };
  const auto high = [&](V8 a, V8 b) HWY_ATTR { return hn::BitCast(d8, hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b))); };
  V8 t[kSide];
  for (int i = 0; i < kSide; i += 4) {
    const V8 a = hn::InterleaveLower(d8, v[i], v[i + 1]), b = hn::InterleaveUpper(d8, v[i], v[i + 1]);
    const V8 c = hn::InterleaveLower(d8, v[i + 2], v[i + 3]), e = hn::InterleaveUpper(d8, v[i + 2], v[i + 3]);
    t[i] = low(a, c), t[i + 1] = high(a, c), t[i + 2] = low(b, e), t[i + 3] = high(b, e);
  }
  if constexpr (kSide == 4) {
    for (int i = 0; i < 4; ++i) v[i] = t[i];
  } else {
    for (int i = 0; i < 4; ++i) v[i] = hn::ConcatLowerLower(d8, t[i + 4], t[i]), v[i + 4] = hn::ConcatUpperUpper(d8, t[i + 4], t[i]);
  }
}

/// Queries side by side, [group][value][query of the group], so that one pointer serves a group's broadcasts. Worth its
/// making for a whole group.
const float* lay(ConstRows queries, float* to) {
  if (!kManyRegisters || queries.count < kScored) return nullptr;
  byGroups<kScored>(queries.count, [&](auto width, std::int64_t first) HWY_ATTR {
    float* at = to + first * queries.width;
    std::int64_t i = 0;
    if constexpr (width == kSide)
      for (; i + kSide <= queries.width; i += kSide) {
        hn::Vec<D8> v[kSide];
        for (int q = 0; q < kSide; ++q) v[q] = hn::LoadU(d8, queries.row(first + q) + i);
        transpose(v);
        for (int j = 0; j < kSide; ++j) hn::StoreU(v[j], d8, at + (i + j) * kSide);
      }
    for (; i < queries.width; ++i)
      for (int q = 0; q < width; ++q) at[i * width + q] = queries.row(first + q)[i];
  });
  return to;
}

/// What queries are scored against: P panels from `panels` on, rows [begin, end) of which are asked for.
template <class T>
struct Asked {
  const T* panels;
  std::int64_t begin, end;
};

/// Q queries from `first` on.
template <int Q, int P, bool Ahead, class T>
HWY_INLINE void scoreTile(ConstRows queries, const float* sideBySide, std::int64_t first, Asked<T> asked, float* scores, std::int64_t stride) {
  V sums[Q][P * kParts];
  if (sideBySide) scorePanels<Q, P, Ahead>(sideBySide + first * queries.width, 1, Q, asked.panels, queries.width, sums);
  else scorePanels<Q, P, Ahead>(queries.row(first), queries.stride, 1, asked.panels, queries.width, sums);
  float* to = scores + first * stride;
  storeScores<Q>(sums, 0, asked.begin, std::min(asked.end, kKeyPanel), to, stride);
  for (int p = 1; p < P; ++p)
    storeScores<Q>(sums, p * kParts, 0, std::min(asked.end - p * kKeyPanel, kKeyPanel), to + p * kKeyPanel - asked.begin, stride);
}

template <int P, class T>
HWY_INLINE void scoreGroups(ConstRows queries, const float* sideBySide, Asked<T> asked, float* scores, std::int64_t stride) {
  byGroups<kScored>(queries.count, [&](auto width, std::int64_t first) HWY_ATTR {
    // The first queries of several ask for what comes, the others find it.
    if (first == 0) scoreTile<width, P, true>(queries, sideBySide, first, asked, scores, stride);
    else scoreTile<width, P, false>(queries, sideBySide, first, asked, scores, stride);
  });
}

constexpr std::int64_t kLaidHere = 6 * 1024;  ///< floats

template <class T>
void score(ConstRows queries, const T* panels, Range rows, Rows scores, const float* sideBySide) {
  HWY_ALIGN float memory[kLaidHere];
  if (!sideBySide && queries.count * queries.width <= kLaidHere && rows.size() >= 2 * kKeyPanel) sideBySide = lay(queries, memory);
  for (std::int64_t r = rows.begin; r < rows.end;) {
    const std::int64_t base = r / kKeyPanel * kKeyPanel;
    float* to = scores.data + (r - rows.begin);
    const bool several = kPanelsTogether > 1 && rows.end - base > kKeyPanel;
    const Asked<T> asked{panels + base * queries.width, r - base, rows.end - base};
    if (several) scoreGroups<kPanelsTogether>(queries, sideBySide, asked, to, scores.stride);
    else scoreGroups<1>(queries, sideBySide, asked, to, scores.stride);
    r = std::min(rows.end, base + (several ? kPanelsTogether : 1) * kKeyPanel);
  }
}

/// Rows of values, `stride` apart.
template <class T>
struct Values {
  const T* at;
  std::int64_t stride, count;
};

/// Q queries, `vectors` vectors of the output, over all rows in order. Ahead: `perRow` values from `coming` on are asked for with the
/// first row, the next ones with the second.
template <int Q, int vectors, bool Ahead, class T>
HWY_INLINE void addTile(const float* weights, std::int64_t weightStride, Values<T> rows, float* out, std::int64_t outStride, const T* coming = nullptr, std::int64_t perRow = 0) {
  V sums[Q][vectors];
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
    for (int i = 0; i < vectors; ++i) sums[q][i] = hn::LoadU(d, out + q * outStride + i * kLanes);
  for (std::int64_t r = 0; r < rows.count; ++r, rows.at += rows.stride) {
    if constexpr (Ahead) prefetchValues(coming + r * perRow, perRow);
    // All vectors and one weight, or all weights and one vector, whichever leaves the sums their registers.
    if constexpr (vectors < Q) {
      V v[vectors];
#pragma GCC unroll 8
      for (int i = 0; i < vectors; ++i) v[i] = load(rows.at + i * kLanes), keep(v[i]);
#pragma GCC unroll 8
      for (int q = 0; q < Q; ++q) {
        const V w = hn::Set(d, weights[q * weightStride + r]);
#pragma GCC unroll 8
        for (int i = 0; i < vectors; ++i) sums[q][i] = hn::MulAdd(w, v[i], sums[q][i]);
      }
    } else {
      V w[Q];
#pragma GCC unroll 8
      for (int q = 0; q < Q; ++q) w[q] = hn::Set(d, weights[q * weightStride + r]);
#pragma GCC unroll 8
      for (int i = 0; i < vectors; ++i) {
        const V v = load(rows.at + i * kLanes);
#pragma GCC unroll 8
        for (int q = 0; q < Q; ++q) sums[q][i] = hn::MulAdd(w[q], v, sums[q][i]);
      }
    }
  }
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
    for (int i = 0; i < vectors; ++i) hn::StoreU(sums[q][i], d, out + q * outStride + i * kLanes);
}

/// What is no whole vector of a row, from value i on.
template <class T>
void addRest(ConstRows weights, Values<T> rows, std::int64_t i, Rows out) {
  for (; i < out.width; ++i)
    for (std::int64_t q = 0; q < out.count; ++q)
      for (std::int64_t r = 0; r < rows.count; ++r) out.row(q)[i] = __builtin_fmaf(weights.row(q)[r], one(rows.at[r * rows.stride + i]), out.row(q)[i]);
}

constexpr std::int64_t kStretchFloats = 4096;  // values that stay in the first-level cache while every query takes them

/// Up to three queries: rows are read as they lie, some at a time, which the second pass finds in the cache.
template <int Q, class T>
HWY_INLINE void addFew(ConstRows weights, const T* values, Rows out) {
  const std::int64_t dim = out.width, stretch = dim < kStretchFloats ? kStretchFloats / dim : 1;
  for (std::int64_t r = 0; r < weights.width; r += stretch) {
    const std::int64_t here = weights.width - r < stretch ? weights.width - r : stretch;
    std::int64_t i = 0;
    const auto passes = [&](auto vectors) HWY_ATTR {
      for (; i + vectors * kLanes <= dim; i += vectors * kLanes) {
        const Values<T> some{values + r * dim + i, dim, here};
        float* to = out.row(0) + i;
        if (i == 0) addTile<Q, vectors, true, T>(weights.row(0) + r, weights.stride, some, to, out.stride, some.at + kAhead<T>, dim);
        else addTile<Q, vectors, false, T>(weights.row(0) + r, weights.stride, some, to, out.stride);
      }
    };
    if constexpr (Q == 1) passes(std::integral_constant<int, 8>());
    passes(std::integral_constant<int, 4>());
    passes(std::integral_constant<int, 1>());
  }
  addRest<T>(weights, {values, dim, weights.width}, dim / kLanes * kLanes, out);
}

/// Many queries take some values of every row after one another, as floats: converting costs as much as multiplying. Meanwhile as much
/// of the next rows is asked for.
template <class T>
void addMany(ConstRows weights, const T* values, Rows out) {
  const std::int64_t dim = out.width;
  std::int64_t i = 0;
  const auto pass = [&](auto vectors) HWY_ATTR {
    constexpr std::int64_t width = vectors * kLanes, stretch = kStretchFloats / width;
    for (std::int64_t r = 0; r < weights.width; r += stretch) {
      const std::int64_t here = weights.width - r < stretch ? weights.width - r : stretch;
      const T *at = values + r * dim + i, *coming = values + (r + here) * dim + i * here;
      HWY_ALIGN float plain[sizeof(T) == 2 ? kStretchFloats : 1];
      Values<float> rows{plain, width, here};
      if constexpr (sizeof(T) == 2) {
        for (std::int64_t j = 0; j < here; ++j) {
          prefetchValues(coming + j * width, width);
          for (int v = 0; v < vectors; ++v) hn::Store(load(at + j * dim + v * kLanes), d, plain + j * width + v * kLanes);
        }
      } else {
        rows.at = at, rows.stride = dim;
      }
      byGroups<kAdded>(out.count, [&](auto q, std::int64_t first) HWY_ATTR {
        const float* w = weights.row(first) + r;
        float* to = out.row(first) + i;
        if constexpr (sizeof(T) == 4)
          if (first == 0) return addTile<q, vectors, true, float>(w, weights.stride, rows, to, out.stride, coming, width);
        addTile<q, vectors, false, float>(w, weights.stride, rows, to, out.stride);
      });
    }
    i += width;
  };
  while (i + kAddedVectors * kLanes <= dim) pass(std::integral_constant<int, kAddedVectors>());
  while (i + kLanes <= dim) pass(std::integral_constant<int, 1>());
  addRest<T>(weights, {values, dim, weights.width}, i, out);
}

template <class T>
void add(ConstRows weights, const T* rows, Rows out) {
  switch (out.count) {
    case 1: return addFew<1>(weights, rows, out);
    case 2: return addFew<2>(weights, rows, out);
    case 3: return addFew<3>(weights, rows, out);
    default: return addMany(weights, rows, out);
  }
}

void toPanels(ConstRows rows, float* panels) {
  const std::int64_t count = rows.count, dim = rows.width, whole = dim / kSide * kSide;
  for (std::int64_t base = 0; base < count; base += kSide) {
    float* panel = panels + base / kKeyPanel * kKeyPanel * dim + base % kKeyPanel;
    const std::int64_t here = count - base < kSide ? count - base : kSide;
    for (std::int64_t c = 0; c < whole; c += kSide) {
      hn::Vec<D8> v[kSide];
      for (int i = 0; i < kSide; ++i) v[i] = i < here ? hn::LoadU(d8, rows.row(base + i) + c) : hn::Zero(d8);
      transpose(v);
      for (int i = 0; i < kSide; ++i) hn::StoreU(v[i], d8, panel + (c + i) * kKeyPanel);
    }
    for (std::int64_t c = whole; c < dim; ++c)
      for (int i = 0; i < kSide; ++i) panel[c * kKeyPanel + i] = i < here ? rows.row(base + i)[c] : 0.0f;
  }
  for (std::int64_t r = (count + kSide - 1) / kSide * kSide; r < keyPanels(count) * kKeyPanel; ++r)
    for (std::int64_t c = 0; c < dim; ++c) panels[(r / kKeyPanel * dim + c) * kKeyPanel + r % kKeyPanel] = 0.0f;
}
#endif

}  // namespace

const AttentionTable* attentionTable() {
  static const AttentionTable table{score<float>, score<std::uint16_t>, lay, add<float>, add<std::uint16_t>, toPanels};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
HWY_EXPORT(attentionTable);
namespace {
const AttentionTable& table() {
  static const bool chosen = (chooseIsa(), true);
  (void)chosen;
  return *HWY_DYNAMIC_DISPATCH(attentionTable)();
}
}  // namespace
}  // namespace kernels
using kernels::table;

void scoreKeys(ConstRows queries, const float* panels, Range rows, Rows scores, const float* sideBySide) { table().score32(queries, panels, rows, scores, sideBySide); }
void scoreKeys(ConstRows queries, const std::uint16_t* panels, Range rows, Rows scores, const float* sideBySide) { table().score16(queries, panels, rows, scores, sideBySide); }
const float* layQueries(ConstRows queries, float* memory) { return table().lay(queries, memory); }
void addValues(ConstRows weights, const float* rows, Rows out) { table().add32(weights, rows, out); }
void addValues(ConstRows weights, const std::uint16_t* rows, Rows out) { table().add16(weights, rows, out); }

void toKeyPanels(ConstRows rows, float* panels) { table().toPanels(rows, panels); }

}  // namespace ts
#endif
