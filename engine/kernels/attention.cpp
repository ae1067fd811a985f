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
};
}  // namespace ts::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr D d;

HWY_INLINE V load(const float* p) { return hn::LoadU(d, p); }
HWY_INLINE V load(const std::uint16_t* p) {
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p)));
}
HWY_INLINE float one(float x) { return x; }
HWY_INLINE float one(std::uint16_t x) { return floatOfHalf(x); }

template <class T>
HWY_INLINE float dotOne(const float* q, const T* row, int dim) {
  const int lanes = static_cast<int>(hn::Lanes(d));
  V a = hn::Zero(d), b = a;
  int i = 0;
  for (; i + 2 * lanes <= dim; i += 2 * lanes) {
    a = hn::MulAdd(hn::LoadU(d, q + i), load(row + i), a);
    b = hn::MulAdd(hn::LoadU(d, q + i + lanes), load(row + i + lanes), b);
  }
  if (i + lanes <= dim) a = hn::MulAdd(hn::LoadU(d, q + i), load(row + i), a), i += lanes;
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
  for (; i < dim; ++i) sum += q[i] * one(row[i]);
  return sum;
}

template <class T>
void dotGroup(const float* queries, std::int64_t queryStride, int heads, const T* rows, std::int64_t count, int dim, float* scores,
              std::int64_t scoreStride) {
  for (std::int64_t r = 0; r < count; ++r)
    for (int h = 0; h < heads; ++h) scores[h * scoreStride + r] = dotOne(queries + h * queryStride, rows + r * dim, dim);
}

template <class T>
void axpyGroup(const float* weights, std::int64_t weightStride, int heads, const T* rows, std::int64_t count, int dim, float* out,
               std::int64_t outStride) {
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int h = 0; h < heads; ++h) {
    const float* w = weights + h * weightStride;
    float* o = out + h * outStride;
    int i = 0;
    for (; i + lanes <= dim; i += lanes) {
      V s = hn::LoadU(d, o + i);
      for (std::int64_t r = 0; r < count; ++r) s = hn::MulAdd(hn::Set(d, w[r]), load(rows + r * dim + i), s);
      hn::StoreU(s, d, o + i);
    }
    for (; i < dim; ++i)
      for (std::int64_t r = 0; r < count; ++r) o[i] += w[r] * one(rows[r * dim + i]);
  }
}

}  // namespace

const AttentionTable* attentionTable() {
  static const AttentionTable table{dotGroup<float>, axpyGroup<float>, dotGroup<std::uint16_t>, axpyGroup<std::uint16_t>};
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

}  // namespace ts
#endif
