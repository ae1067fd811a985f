// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernels of keys and of values share. Included once per instruction set.
#if defined(TS_ATTENTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_ATTENTION_INL_H
#undef TS_ATTENTION_INL_H
#else
#define TS_ATTENTION_INL_H
#endif

#include "engine/core/half.h"
#include "engine/kernels/attention.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ts::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE float one(float x) { return x; }
HWY_INLINE float one(std::uint16_t x) { return floatOfHalf(x); }

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128  // the portable set has plain loops of its own
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
HWY_INLINE V kept(V v) {
#if HWY_ARCH_X86
  asm("" : "+v"(v.raw));
#endif
  return v;
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

/// Whether there are 32 registers of 16 floats. (NEON's 32 are of a quarter of the length.)
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL;

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
#endif

}  // namespace
}  // namespace ts::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
