// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>

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

}  // namespace ts
