// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/attention.h"

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
template <class T>
using Group = void (*)(const float*, std::int64_t, int, const T*, std::int64_t, int, float*, std::int64_t);
struct AttentionTable {
  Group<float> dot32, axpy32;
  Group<std::uint16_t> dot16, axpy16;
  decltype(&ts::axpyRowsSlice) slice32;
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
#define TS_PORTABLE (HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128)

#if TS_PORTABLE
float one(float x) { return x; }
float one(std::uint16_t x) { return floatOfHalf(x); }

template <class T>
void dotGroup(const float* queries, std::int64_t queryStride, int heads, const T* rows, std::int64_t count, int dim, float* scores,
              std::int64_t scoreStride) {
  for (int h = 0; h < heads; ++h)
    for (std::int64_t r = 0; r < count; ++r) {
      float sums[2] = {0, 0};
      for (int i = 0; i < dim; ++i) sums[i % 2] += queries[h * queryStride + i] * one(rows[r * dim + i]);
      scores[h * scoreStride + r] = sums[0] + sums[1];
    }
}
template <class T>
void axpySlice(const float* weights, std::int64_t weightStride, int heads, const T* rows, std::int64_t rowStride, std::int64_t count, int dim,
               float* out, std::int64_t outStride) {
  for (int h = 0; h < heads; ++h)
    for (std::int64_t r = 0; r < count; ++r)
      for (int i = 0; i < dim; ++i) out[h * outStride + i] += weights[h * weightStride + r] * one(rows[r * rowStride + i]);
}
#else

using D = hn::CappedTag<float, 8>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int kLanes = HWY_LANES(float) < 8 ? static_cast<int>(HWY_LANES(float)) : 8;
constexpr int kRows = 16;             // rows of keys turned at a time, so that a lane is a row
constexpr int kParts = kRows / kLanes;
constexpr int kDims = 64;             // dimensions turned at a time: 16 x 64 floats are 4 KiB

HWY_INLINE V load(const float* p) { return hn::LoadU(d, p); }
HWY_INLINE V load(const std::uint16_t* p) {
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p)));
}
HWY_INLINE float one(float x) { return x; }
HWY_INLINE float one(std::uint16_t x) { return floatOfHalf(x); }

/// kLanes vectors, row i in v[i], become column i in v[i].
HWY_INLINE void transpose(V (&v)[kLanes]) {
  const hn::Repartition<double, D> d64;
  const auto low64 = [&](V a, V b) HWY_ATTR { return hn::BitCast(d, hn::InterleaveLower(d64, hn::BitCast(d64, a), hn::BitCast(d64, b))); };
  const auto high64 = [&](V a, V b) HWY_ATTR { return hn::BitCast(d, hn::InterleaveUpper(d64, hn::BitCast(d64, a), hn::BitCast(d64, b))); };
  V t[kLanes];
  for (int i = 0; i < kLanes; i += 4) {
    const V a = hn::InterleaveLower(d, v[i], v[i + 1]), b = hn::InterleaveUpper(d, v[i], v[i + 1]);
    const V c = hn::InterleaveLower(d, v[i + 2], v[i + 3]), e = hn::InterleaveUpper(d, v[i + 2], v[i + 3]);
    t[i] = low64(a, c), t[i + 1] = high64(a, c), t[i + 2] = low64(b, e), t[i + 3] = high64(b, e);
  }
  if constexpr (kLanes == 4) {
    for (int i = 0; i < 4; ++i) v[i] = t[i];
  } else {
    for (int i = 0; i < 4; ++i) v[i] = hn::ConcatLowerLower(d, t[i + 4], t[i]), v[i + 4] = hn::ConcatUpperUpper(d, t[i + 4], t[i]);
  }
}

/// Rows (16, the last repeated when there are fewer) of `dims` values, a multiple of the lanes, to [dims][16].
template <class T>
HWY_INLINE void turn(const T* rows, std::int64_t stride, std::int64_t count, int dims, float* out) {
  for (int part = 0; part < kParts; ++part) {
    const T* from[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      const std::int64_t r = part * kLanes + i;
      from[i] = rows + (r < count ? r : count - 1) * stride;
    }
    for (int c = 0; c < dims; c += kLanes) {
      V v[kLanes];
      for (int i = 0; i < kLanes; ++i) v[i] = load(from[i] + c);
      transpose(v);
      for (int i = 0; i < kLanes; ++i) hn::Store(v[i], d, out + (c + i) * kRows + part * kLanes);
    }
  }
}

/// sums of T queries over an even number of dimensions, even and odd ones apart; sums live in memory, [T][2][16].
template <int T>
HWY_INLINE void dotTurned(const float* turned, int dims, const float* queries, std::int64_t stride, float* memory) {
  V even[T][kParts], odd[T][kParts];
  for (int q = 0; q < T; ++q)
    for (int p = 0; p < kParts; ++p) {
      even[q][p] = hn::Load(d, memory + q * 2 * kRows + p * kLanes);
      odd[q][p] = hn::Load(d, memory + (q * 2 + 1) * kRows + p * kLanes);
    }
  for (int i = 0; i < dims; i += 2, turned += 2 * kRows) {
    V w[kParts];
    for (int p = 0; p < kParts; ++p) w[p] = hn::Load(d, turned + p * kLanes);
    for (int q = 0; q < T; ++q) {
      const V x = hn::Set(d, queries[q * stride + i]);
      for (int p = 0; p < kParts; ++p) even[q][p] = hn::MulAdd(w[p], x, even[q][p]);
    }
    for (int p = 0; p < kParts; ++p) w[p] = hn::Load(d, turned + kRows + p * kLanes);
    for (int q = 0; q < T; ++q) {
      const V x = hn::Set(d, queries[q * stride + i + 1]);
      for (int p = 0; p < kParts; ++p) odd[q][p] = hn::MulAdd(w[p], x, odd[q][p]);
    }
  }
  for (int q = 0; q < T; ++q)
    for (int p = 0; p < kParts; ++p) {
      hn::Store(even[q][p], d, memory + q * 2 * kRows + p * kLanes);
      hn::Store(odd[q][p], d, memory + (q * 2 + 1) * kRows + p * kLanes);
    }
}

constexpr int kQueries = 24;  // queries whose sums are kept while a stretch of keys is turned

template <class T>
void dotGroup(const float* queries, std::int64_t queryStride, int heads, const T* rows, std::int64_t count, int dim, float* scores,
              std::int64_t scoreStride) {
  HWY_ALIGN float turned[kDims * kRows];
  HWY_ALIGN float sums[kQueries * 2 * kRows];
  const int whole = dim / kLanes * kLanes;
  for (int h0 = 0; h0 < heads; h0 += kQueries) {
    const int hs = heads - h0 < kQueries ? heads - h0 : kQueries;
    const float* q = queries + h0 * queryStride;
    for (std::int64_t r = 0; r < count; r += kRows) {
      const std::int64_t here = count - r < kRows ? count - r : kRows;
      for (int i = 0; i < hs * 2 * kRows; i += kLanes) hn::Store(hn::Zero(d), d, sums + i);
      for (int c = 0; c < whole; c += kDims) {
        const int dims = whole - c < kDims ? whole - c : kDims;
        turn(rows + r * dim + c, dim, here, dims, turned);
        int h = 0;
        for (; h + 3 <= hs; h += 3) dotTurned<3>(turned, dims, q + h * queryStride + c, queryStride, sums + h * 2 * kRows);
        if (hs - h == 2) dotTurned<2>(turned, dims, q + h * queryStride + c, queryStride, sums + h * 2 * kRows);
        if (hs - h == 1) dotTurned<1>(turned, dims, q + h * queryStride + c, queryStride, sums + h * 2 * kRows);
      }
      for (int h = 0; h < hs; ++h) {
        float* s = sums + h * 2 * kRows;
        for (int i = 0; i < kRows; i += kLanes) hn::Store(hn::Add(hn::Load(d, s + i), hn::Load(d, s + kRows + i)), d, s + i);
        for (std::int64_t i = 0; i < here; ++i) {
          float rest = s[i];
          for (int c = whole; c < dim; ++c) rest += q[h * queryStride + c] * one(rows[(r + i) * dim + c]);
          scores[(h0 + h) * scoreStride + r + i] = rest;
        }
      }
    }
  }
}

/// T heads, `vectors` vectors of the output, over `count` rows in order.
template <int T, int vectors, class Element>
HWY_INLINE void axpyTile(const float* weights, std::int64_t weightStride, const Element* rows, std::int64_t rowStride, std::int64_t count,
                         float* out, std::int64_t outStride) {
  V sums[T][vectors];
  for (int h = 0; h < T; ++h)
    for (int i = 0; i < vectors; ++i) sums[h][i] = hn::LoadU(d, out + h * outStride + i * kLanes);
  for (std::int64_t r = 0; r < count; ++r, rows += rowStride) {
    V v[vectors];
    for (int i = 0; i < vectors; ++i) v[i] = load(rows + i * kLanes);
    for (int h = 0; h < T; ++h) {
      const V w = hn::Set(d, weights[h * weightStride + r]);
      for (int i = 0; i < vectors; ++i) sums[h][i] = hn::MulAdd(w, v[i], sums[h][i]);
    }
  }
  for (int h = 0; h < T; ++h)
    for (int i = 0; i < vectors; ++i) hn::StoreU(sums[h][i], d, out + h * outStride + i * kLanes);
}

template <int T, class Element>
HWY_INLINE void axpyHeads(const float* weights, std::int64_t weightStride, const Element* rows, std::int64_t rowStride, std::int64_t count,
                          int dim, float* out, std::int64_t outStride) {
  constexpr int vectors = T == 1 ? 8 : 4;
  int i = 0;
  for (; i + vectors * kLanes <= dim; i += vectors * kLanes) axpyTile<T, vectors>(weights, weightStride, rows + i, rowStride, count, out + i, outStride);
  for (; i + kLanes <= dim; i += kLanes) axpyTile<T, 1>(weights, weightStride, rows + i, rowStride, count, out + i, outStride);
  for (; i < dim; ++i)
    for (int h = 0; h < T; ++h)
      for (std::int64_t r = 0; r < count; ++r) out[h * outStride + i] += weights[h * weightStride + r] * one(rows[r * rowStride + i]);
}

constexpr std::int64_t kStretchFloats = 4096;  // values that stay in the first-level cache while every head takes them

template <class Element>
HWY_INLINE void axpyStretch(const float* weights, std::int64_t weightStride, int heads, const Element* rows, std::int64_t rowStride,
                            std::int64_t count, int dim, float* out, std::int64_t outStride) {
  int h = 0;
  for (; h + 3 <= heads; h += 3) axpyHeads<3>(weights + h * weightStride, weightStride, rows, rowStride, count, dim, out + h * outStride, outStride);
  if (heads - h == 2) axpyHeads<2>(weights + h * weightStride, weightStride, rows, rowStride, count, dim, out + h * outStride, outStride);
  if (heads - h == 1) axpyHeads<1>(weights + h * weightStride, weightStride, rows, rowStride, count, dim, out + h * outStride, outStride);
}

template <class Element>
void axpySlice(const float* weights, std::int64_t weightStride, int heads, const Element* rows, std::int64_t rowStride, std::int64_t count,
               int dim, float* out, std::int64_t outStride) {
  const std::int64_t stretch = dim < kStretchFloats ? kStretchFloats / dim : 1;
  HWY_ALIGN float plain[kStretchFloats];
  for (std::int64_t r = 0; r < count; r += stretch) {
    const std::int64_t here = count - r < stretch ? count - r : stretch;
    const Element* from = rows + r * rowStride;
    if constexpr (sizeof(Element) == 2) {
      // Converting costs as much as multiplying, so several heads share it.
      if (heads > 3 && rowStride == dim && here * dim <= kStretchFloats && here * dim % kLanes == 0) {
        for (std::int64_t i = 0; i < here * dim; i += kLanes) hn::Store(load(from + i), d, plain + i);
        axpyStretch(weights + r, weightStride, heads, plain, dim, here, dim, out, outStride);
        continue;
      }
    }
    axpyStretch(weights + r, weightStride, heads, from, rowStride, here, dim, out, outStride);
  }
}
#endif

template <class T>
void axpyGroup(const float* weights, std::int64_t weightStride, int heads, const T* rows, std::int64_t count, int dim, float* out,
               std::int64_t outStride) {
  axpySlice(weights, weightStride, heads, rows, dim, count, dim, out, outStride);
}

}  // namespace

const AttentionTable* attentionTable() {
  static const AttentionTable table{dotGroup<float>, axpyGroup<float>, dotGroup<std::uint16_t>, axpyGroup<std::uint16_t>, axpySlice<float>};
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

void dotRows(const float* q, const float* rows, std::int64_t n, int dim, float* s) { table().dot32(q, 0, 1, rows, n, dim, s, 0); }
void dotRows(const float* q, const std::uint16_t* rows, std::int64_t n, int dim, float* s) { table().dot16(q, 0, 1, rows, n, dim, s, 0); }
void axpyRows(const float* w, const float* rows, std::int64_t n, int dim, float* out) { table().axpy32(w, 0, 1, rows, n, dim, out, 0); }
void axpyRows(const float* w, const std::uint16_t* rows, std::int64_t n, int dim, float* out) {
  table().axpy16(w, 0, 1, rows, n, dim, out, 0);
}
void dotRowsGroup(const float* q, std::int64_t qs, int heads, const float* rows, std::int64_t n, int dim, float* s, std::int64_t ss) {
  table().dot32(q, qs, heads, rows, n, dim, s, ss);
}
void dotRowsGroup(const float* q, std::int64_t qs, int heads, const std::uint16_t* rows, std::int64_t n, int dim, float* s,
                  std::int64_t ss) {
  table().dot16(q, qs, heads, rows, n, dim, s, ss);
}
void axpyRowsGroup(const float* w, std::int64_t ws, int heads, const float* rows, std::int64_t n, int dim, float* out, std::int64_t os) {
  table().axpy32(w, ws, heads, rows, n, dim, out, os);
}
void axpyRowsGroup(const float* w, std::int64_t ws, int heads, const std::uint16_t* rows, std::int64_t n, int dim, float* out,
                   std::int64_t os) {
  table().axpy16(w, ws, heads, rows, n, dim, out, os);
}

void axpyRowsSlice(const float* w, std::int64_t ws, int heads, const float* rows, std::int64_t rs, std::int64_t n, int dim, float* out,
                   std::int64_t os) {
  table().slice32(w, ws, heads, rows, rs, n, dim, out, os);
}

}  // namespace ts
#endif
