// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace ts {

inline constexpr std::size_t kAlignment = 64;  ///< one cache line, one AVX-512 register

template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{kAlignment})); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, std::align_val_t{kAlignment}); }
  template <class U>
  bool operator==(const AlignedAllocator<U>&) const { return true; }
};

/// A vector whose data starts at a cache line.
template <class T>
using Buffer = std::vector<T, AlignedAllocator<T>>;

/// A view of `count` rows of `width` floats, `stride` floats apart.
struct Rows {
  float* data = nullptr;
  std::int64_t count = 0;
  std::int64_t width = 0;
  std::int64_t stride = 0;
  float* row(std::int64_t i) const { return data + i * stride; }
  Rows some(std::int64_t first, std::int64_t n) const { return {row(first), n, width, stride}; }
  Rows from(std::int64_t first) const { return some(first, count - first); }
};
struct ConstRows {
  const float* data = nullptr;
  std::int64_t count = 0;
  std::int64_t width = 0;
  std::int64_t stride = 0;
  ConstRows() = default;
  ConstRows(const float* d, std::int64_t c, std::int64_t w, std::int64_t s) : data(d), count(c), width(w), stride(s) {}
  ConstRows(const Rows& r) : data(r.data), count(r.count), width(r.width), stride(r.stride) {}  // NOLINT: a view widens
  const float* row(std::int64_t i) const { return data + i * stride; }
  ConstRows some(std::int64_t first, std::int64_t n) const { return {row(first), n, width, stride}; }
  ConstRows from(std::int64_t first) const { return some(first, count - first); }
};

}  // namespace ts
