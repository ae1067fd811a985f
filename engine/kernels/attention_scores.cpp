// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/kernels/attention.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/attention_scores.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "engine/kernels/attention-inl.h"  // after Highway, once an instruction set

#ifndef TS_SCORES_TABLE
#define TS_SCORES_TABLE
namespace ts::kernels {
struct ScoresTable {
  void (*score32)(ConstRows, const float*, Range, Rows, const float*);
  void (*score16)(ConstRows, const std::uint16_t*, Range, Rows, const float*);
  decltype(&ts::layQueries) lay;
  decltype(&ts::toKeyPanels) toPanels;
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

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
void toPanels(ConstRows rows, float* panels) {
  const std::int64_t dim = rows.width;
  for (std::int64_t r = 0; r < keyPanels(rows.count) * kKeyPanel; ++r)
    for (std::int64_t i = 0; i < dim; ++i)
      panels[(r / kKeyPanel * dim + i) * kKeyPanel + r % kKeyPanel] = r < rows.count ? rows.row(r)[i] : 0.0f;
}
#else

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
      key[p] = kept(load(at));
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

/// Queries that share what is loaded: as many as leave registers for their sums.
constexpr int kScored = kManyRegisters ? 8 : 6, kPanelsTogether = kManyRegisters ? 2 : 1;
/// Of so few queries the sums for twice as many panels fit; for fewer a value of theirs, once loaded, would serve too few products.
constexpr int kFewScored = kManyRegisters ? 4 : 0, kPanelsOfFew = 4;

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
#pragma GCC unroll 4
  for (int p = 1; p < P; ++p)
    storeScores<Q>(sums, p * kParts, 0, std::min(asked.end - p * kKeyPanel, kKeyPanel), to + p * kKeyPanel - asked.begin, stride);
}

/// As many panels as go by kPanelsOfFew for Q queries, all there are. Returns the row after them.
template <int Q, class T>
HWY_NOINLINE std::int64_t scoreFew(ConstRows queries, const T* panels, Range rows, Rows scores) {
  std::int64_t r = rows.begin;
  for (std::int64_t base = r / kKeyPanel * kKeyPanel; rows.end - base > (kPanelsOfFew - 1) * kKeyPanel; base += kPanelsOfFew * kKeyPanel) {
    scoreTile<Q, kPanelsOfFew, true>(queries, nullptr, 0, Asked<T>{panels + base * queries.width, r - base, rows.end - base}, scores.data + (r - rows.begin), scores.stride);
    r = std::min(rows.end, base + kPanelsOfFew * kKeyPanel);
  }
  return r;
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
  std::int64_t r = rows.begin;
  [&]<int... q>(std::integer_sequence<int, q...>) HWY_ATTR {
    ((queries.count == q + 1 ? (void)(r = scoreFew<q + 1>(queries, panels, rows, scores)) : void()), ...);
  }(std::make_integer_sequence<int, kFewScored>());
  while (r < rows.end) {
    const std::int64_t base = r / kKeyPanel * kKeyPanel;
    float* to = scores.data + (r - rows.begin);
    const bool several = kPanelsTogether > 1 && rows.end - base > kKeyPanel;
    const Asked<T> asked{panels + base * queries.width, r - base, rows.end - base};
    if (several) scoreGroups<kPanelsTogether>(queries, sideBySide, asked, to, scores.stride);
    else scoreGroups<1>(queries, sideBySide, asked, to, scores.stride);
    r = std::min(rows.end, base + (several ? kPanelsTogether : 1) * kKeyPanel);
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

const ScoresTable* scoresTable() {
  static const ScoresTable table{score<float>, score<std::uint16_t>, lay, toPanels};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
namespace {
TS_CHOSEN_TABLE(ScoresTable, table, scoresTable)
}  // namespace
}  // namespace kernels
using kernels::table;

void scoreKeys(ConstRows queries, const float* panels, Range rows, Rows scores, const float* sideBySide) { table().score32(queries, panels, rows, scores, sideBySide); }
void scoreKeys(ConstRows queries, const std::uint16_t* panels, Range rows, Rows scores, const float* sideBySide) { table().score16(queries, panels, rows, scores, sideBySide); }
const float* layQueries(ConstRows queries, float* memory) { return table().lay(queries, memory); }
void toKeyPanels(ConstRows rows, float* panels) { table().toPanels(rows, panels); }

}  // namespace ts
#endif
