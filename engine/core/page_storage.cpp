// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/page_storage.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>

#include "engine/core/buffer.h"

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace ts {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20, kRegionBytes = std::size_t{64} << 20;

std::size_t up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

}  // namespace

/// Addresses, of which allocations take the next ones.
struct PageStorage::Region {
  explicit Region(std::size_t size) : bytes(up(size, kHugePage)) {
#ifdef __linux__
    mapped = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    base = reinterpret_cast<std::byte*>(up(reinterpret_cast<std::uintptr_t>(mapped), kHugePage));
    madvise(base, bytes, MADV_HUGEPAGE);  // advice: failing changes nothing
#else
    mapped = ::operator new[](bytes, std::align_val_t{kAlignment});
    base = static_cast<std::byte*>(mapped);
#endif
  }
  ~Region() {
#ifdef __linux__
    munmap(mapped, bytes + kHugePage);
#else
    ::operator delete[](mapped, std::align_val_t{kAlignment});
#endif
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  void* mapped;
  std::byte* base;
  std::size_t bytes, used = 0;
};

PageStorage::PageStorage(std::size_t bytes) : bytes_(bytes) {
  static std::mutex mutex;
  static std::weak_ptr<Region> current;  // kept alive by what lies in it
  const std::size_t taken = up(std::max<std::size_t>(bytes, 1), kAlignment);
  const std::lock_guard lock(mutex);
  region_ = current.lock();
  if (!region_ || region_->bytes - region_->used < taken) {
    region_ = std::make_shared<Region>(std::max(taken, kRegionBytes));
    if (taken < kRegionBytes) current = region_;
  }
  data_ = region_->base + region_->used;
  region_->used += taken;
}

PageStorage::~PageStorage() {
#ifdef __linux__
  if (!data_) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t begin = up(reinterpret_cast<std::uintptr_t>(data_), page), end = (reinterpret_cast<std::uintptr_t>(data_) + bytes_) / page * page;
  if (begin < end && region_.use_count() > 1) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
#endif
}

}  // namespace ts
