// SPDX-License-Identifier: GPL-3.0-or-later
// Loops over rows of floats, the rest of which are read as zeros. Included once per instruction set, by the files whose kernels
// are of whole rows.
#if defined(TS_VECTOR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_VECTOR_INL_H
#undef TS_VECTOR_INL_H
#else
#define TS_VECTOR_INL_H
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr D d;

// Calls step(i, count) for whole vectors, and once for what is left.
template <class Step>
HWY_INLINE void forEach(std::int64_t n, Step step) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) step(i, lanes);
  if (i < n) step(i, n - i);
}
HWY_INLINE V load(const float* p, std::int64_t count) {
  return count == static_cast<std::int64_t>(hn::Lanes(d)) ? hn::LoadU(d, p)
                                                          : hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
}
HWY_INLINE void store(V v, float* p, std::int64_t count) {
  if (count == static_cast<std::int64_t>(hn::Lanes(d))) return hn::StoreU(v, d, p);
  hn::BlendedStore(v, hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
}

// Four partial sums of vectors taken in turn, then the rest, then lanes.
template <class Term>
HWY_INLINE float reduce(std::int64_t n, Term term) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = term(s0, i, lanes);
    s1 = term(s1, i + lanes, lanes);
    s2 = term(s2, i + 2 * lanes, lanes);
    s3 = term(s3, i + 3 * lanes, lanes);
  }
  for (; i + lanes <= n; i += lanes) s0 = term(s0, i, lanes);
  if (i < n) s1 = term(s1, i, n - i);
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
