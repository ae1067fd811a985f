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

/// What is read this much later is asked for now: a processor's own prefetch stops at the end of a page.
constexpr std::int64_t kAhead = 8192;  // bytes
template <class T>
HWY_INLINE void prefetchLine(const T* p) {
  __builtin_prefetch(reinterpret_cast<const char*>(p) + kAhead, 0, 2);  // 2: past the first level, which both streams would fill
}

/// Q queries against P panels, one after another in memory; sums[q] holds the panels' vectors side by side. Value i of query
/// q is at query[q * across + i * along].
template <int Q, int P, bool Ahead, class T>
HWY_INLINE void scorePanels(const float* query, std::int64_t across, std::int64_t along, const T* panels, std::int64_t dim, V (&sums)[Q][P * kParts]) {
  for (int q = 0; q < Q; ++q)
    for (int p = 0; p < P * kParts; ++p) sums[q][p] = hn::Zero(d);
  for (std::int64_t i = 0; i < dim; ++i) {
    V key[P * kParts];
    for (int p = 0; p < P * kParts; ++p) {
      const T* at = panels + (p / kParts * dim + i) * kKeyPanel + p % kParts * kLanes;
      if constexpr (Ahead) {
        constexpr std::int64_t line = 64 / (kKeyPanel * static_cast<std::int64_t>(sizeof(T)));  // values in one: 1 or 2
        if (p % kParts == 0 && i % line == 0) prefetchLine(at + (P - 1) * dim * kKeyPanel);
      }
      key[p] = load(at);
    }
    for (int q = 0; q < Q; ++q) {
      const V x = hn::Set(d, query[q * across + i * along]);
      for (int p = 0; p < P * kParts; ++p) sums[q][p] = hn::MulAdd(key[p], x, sums[q][p]);
    }
  }
}

/// Writes the scores of rows [begin, end) of a panel.
template <int Q, int vectors>
HWY_INLINE void storeScores(const V (&sums)[Q][vectors], int first, std::int64_t begin, std::int64_t end, float* to, std::int64_t stride) {
  for (int q = 0; q < Q; ++q, to += stride) {
    if (end - begin == kKeyPanel) {
      for (int p = 0; p < kParts; ++p) hn::StoreU(sums[q][first + p], d, to + p * kLanes);
    } else {
      HWY_ALIGN float all[kKeyPanel];
      for (int p = 0; p < kParts; ++p) hn::Store(sums[q][first + p], d, all + p * kLanes);
      for (std::int64_t i = begin; i < end; ++i) to[i - begin] = all[i];
    }
  }
}

/// Queries that share what is loaded: as many as leave registers for their sums. (NEON's 32 are of a quarter of the length.)
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL;
constexpr int kScored = kManyRegisters ? 8 : 6, kAdded = kManyRegisters ? 6 : 3;
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

/// P panels from the one that holds row r on, of which rows up to `end` are asked for.
template <int P, class T>
HWY_INLINE void scoreGroups(ConstRows queries, const float* sideBySide, const T* panels, std::int64_t r, std::int64_t end, float* scores, std::int64_t stride) {
  const std::int64_t base = r / kKeyPanel * kKeyPanel, dim = queries.width;
  const T* at = panels + base * dim;
  byGroups<kScored>(queries.count, [&](auto width, std::int64_t first) HWY_ATTR {
    V sums[width][P * kParts];
    const auto compute = [&](auto ahead) HWY_ATTR {
      if (sideBySide) scorePanels<width, P, ahead>(sideBySide + first * dim, 1, width, at, dim, sums);
      else scorePanels<width, P, ahead>(queries.row(first), queries.stride, 1, at, dim, sums);
    };
    // The first queries of several ask for what comes, the others find it.
    first == 0 ? compute(std::true_type()) : compute(std::false_type());
    float* to = scores + first * stride;
    storeScores<width>(sums, 0, r - base, std::min(end - base, kKeyPanel), to, stride);
    for (int p = 1; p < P; ++p) storeScores<width>(sums, p * kParts, 0, std::min(end - base - p * kKeyPanel, kKeyPanel), to + base + p * kKeyPanel - r, stride);
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
    if (several) scoreGroups<kPanelsTogether>(queries, sideBySide, panels, r, rows.end, to, scores.stride);
    else scoreGroups<1>(queries, sideBySide, panels, r, rows.end, to, scores.stride);
    r = std::min(rows.end, base + (several ? kPanelsTogether : 1) * kKeyPanel);
  }
}

/// Q queries, `vectors` vectors of the output, over `count` rows in order.
template <int Q, int vectors, bool Ahead, class T>
HWY_INLINE void addTile(const float* weights, std::int64_t weightStride, const T* rows, std::int64_t rowStride, std::int64_t count,
                        float* out, std::int64_t outStride) {
  V sums[Q][vectors];
  for (int q = 0; q < Q; ++q)
    for (int i = 0; i < vectors; ++i) sums[q][i] = hn::LoadU(d, out + q * outStride + i * kLanes);
  for (std::int64_t r = 0; r < count; ++r, rows += rowStride) {
    if constexpr (Ahead)
      for (std::int64_t i = 0; i < rowStride; i += 64 / static_cast<std::int64_t>(sizeof(T))) prefetchLine(rows + i);
    V w[Q];
    for (int q = 0; q < Q; ++q) w[q] = hn::Set(d, weights[q * weightStride + r]);
    for (int i = 0; i < vectors; ++i) {  // vector by vector: sums, weights and one of the row fill 16 registers
      const V v = load(rows + i * kLanes);
      for (int q = 0; q < Q; ++q) sums[q][i] = hn::MulAdd(w[q], v, sums[q][i]);
    }
  }
  for (int q = 0; q < Q; ++q)
    for (int i = 0; i < vectors; ++i) hn::StoreU(sums[q][i], d, out + q * outStride + i * kLanes);
}

template <int Q, bool Ahead, class T>
HWY_INLINE void addQueries(const float* weights, std::int64_t weightStride, const T* rows, std::int64_t count, std::int64_t dim, float* out,
                           std::int64_t outStride) {
  constexpr int vectors = Q == 1 ? 8 : 4;
  std::int64_t i = 0;
  if constexpr (Ahead)  // the first values' pass asks for the whole rows that come
    if (vectors * kLanes <= dim) addTile<Q, vectors, true>(weights, weightStride, rows, dim, count, out, outStride), i = vectors * kLanes;
  for (; i + vectors * kLanes <= dim; i += vectors * kLanes) addTile<Q, vectors, false>(weights, weightStride, rows + i, dim, count, out + i, outStride);
  for (; i + kLanes <= dim; i += kLanes) addTile<Q, 1, false>(weights, weightStride, rows + i, dim, count, out + i, outStride);
  for (; i < dim; ++i)
    for (int q = 0; q < Q; ++q)
      for (std::int64_t r = 0; r < count; ++r)
        out[q * outStride + i] = __builtin_fmaf(weights[q * weightStride + r], one(rows[r * dim + i]), out[q * outStride + i]);
}

constexpr std::int64_t kStretchFloats = 4096;  // values that stay in the first-level cache while every query takes them

template <class T>
void addStretch(ConstRows weights, std::int64_t first, const T* rows, std::int64_t count, Rows out) {
  byGroups<kAdded>(out.count, [&](auto q, std::int64_t at) HWY_ATTR {
    if (at == 0) addQueries<q, true>(weights.row(0) + first, weights.stride, rows, count, out.width, out.row(0), out.stride);
    else addQueries<q, false>(weights.row(at) + first, weights.stride, rows, count, out.width, out.row(at), out.stride);
  });
}

template <class T>
void add(ConstRows weights, const T* rows, Rows out) {
  const std::int64_t dim = out.width, stretch = dim < kStretchFloats ? kStretchFloats / dim : 1;
  for (std::int64_t r = 0; r < weights.width; r += stretch) {
    const std::int64_t here = weights.width - r < stretch ? weights.width - r : stretch;
    if constexpr (sizeof(T) == 2) {
      // Converting costs as much as multiplying, so several queries share it.
      if (out.count > 3 && here * dim <= kStretchFloats && here * dim % kLanes == 0) {
        HWY_ALIGN float plain[kStretchFloats];
        for (std::int64_t i = 0; i < here * dim; i += kLanes) hn::Store(load(rows + r * dim + i), d, plain + i);
        addStretch(weights, r, plain, here, out);
        continue;
      }
    }
    addStretch(weights, r, rows + r * dim, here, out);
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
