// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "engine/core/buffer.h"

namespace ts {

/// Memory that is written once and then read in streams, such as packed weights. Allocations that follow each other lie
/// side by side in regions of huge pages, where the system gives them: a layer's matrices are too small to fill a huge page
/// each, and with pages of 4 KiB the walks through the page tables cost a fifth of the bandwidth. Untouched bytes
/// of a region take no memory; freed ones go back to the system at once, but for the pages shared with a neighbour.
class PageStorage {
 public:
  PageStorage() = default;
  /// At a cache line; contents undefined. Throws std::bad_alloc.
  explicit PageStorage(std::size_t bytes);
  PageStorage(PageStorage&& other) noexcept { swap(other); }
  PageStorage& operator=(PageStorage&& other) noexcept {
    PageStorage(std::move(other)).swap(*this);
    return *this;
  }
  ~PageStorage();

  std::byte* data() const { return data_; }

 private:
  struct Region;
  void swap(PageStorage& other) noexcept {
    region_.swap(other.region_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  std::shared_ptr<Region> region_;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// For vectors that grow large and are read in streams: key/value rows. From kLeast bytes on they lie in a PageStorage.
template <class T>
struct PageAllocator {
  static constexpr std::size_t kLeast = std::size_t{64} << 10;
  static_assert(sizeof(PageStorage) <= kAlignment);  // it stands before what it holds

  using value_type = T;
  PageAllocator() = default;
  template <class U>
  PageAllocator(const PageAllocator<U>&) {}
  T* allocate(std::size_t n) {
    if (n * sizeof(T) < kLeast) return AlignedAllocator<T>().allocate(n);
    PageStorage storage(n * sizeof(T) + kAlignment);
    std::byte* at = storage.data();
    new (at) PageStorage(std::move(storage));
    return reinterpret_cast<T*>(at + kAlignment);
  }
  void deallocate(T* p, std::size_t n) {
    if (n * sizeof(T) < kLeast) return AlignedAllocator<T>().deallocate(p, n);
    auto* header = std::launder(reinterpret_cast<PageStorage*>(reinterpret_cast<std::byte*>(p) - kAlignment));
    const PageStorage released = std::move(*header);
    std::destroy_at(header);
  }
  template <class U>
  bool operator==(const PageAllocator<U>&) const { return true; }
};
template <class T>
using PagedBuffer = std::vector<T, PageAllocator<T>>;

}  // namespace ts
