// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/kernels/attention.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/attention_values.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "engine/kernels/attention-inl.h"  // after Highway, once an instruction set

#ifndef TS_VALUES_TABLE
#define TS_VALUES_TABLE
namespace ts::kernels {
struct ValuesTable {
  void (*add32)(ConstRows, const float*, Rows);
  void (*add16)(ConstRows, const std::uint16_t*, Rows);
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
template <class T>
void add(ConstRows weights, const T* rows, Rows out) {
  for (std::int64_t q = 0; q < out.count; ++q)
    for (std::int64_t r = 0; r < weights.width; ++r)
      for (std::int64_t i = 0; i < out.width; ++i) out.row(q)[i] += weights.row(q)[r] * one(rows[r * out.width + i]);
}
#else

/// Queries that share what is loaded, and vectors of values: as many as leave registers for their sums.
constexpr int kAdded = 6, kAddedVectors = HWY_TARGET == HWY_AVX2 ? 2 : 4;

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
      for (int i = 0; i < vectors; ++i) v[i] = kept(load(rows.at + i * kLanes));
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

/// Few queries: rows are read as they lie, some at a time, which the second pass finds in the cache.
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
    case 4:
      if constexpr (kManyRegisters) return addFew<4>(weights, rows, out);
      [[fallthrough]];
    default: return addMany(weights, rows, out);
  }
}
#endif

}  // namespace

const ValuesTable* valuesTable() {
  static const ValuesTable table{add<float>, add<std::uint16_t>};
  return &table;
}
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts {
namespace kernels {
namespace {
TS_CHOSEN_TABLE(ValuesTable, table, valuesTable)
}  // namespace
}  // namespace kernels
using kernels::table;

void addValues(ConstRows weights, const float* rows, Rows out) { table().add32(weights, rows, out); }
void addValues(ConstRows weights, const std::uint16_t* rows, Rows out) { table().add16(weights, rows, out); }

}  // namespace ts
#endif
