// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/page_storage.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "engine/core/buffer.h"

namespace ts {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

#ifdef __linux__
std::size_t residentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

TEST(PageStorage, UntouchedBytesTakeNoMemoryAndFreedOnesGoBackWhileNeighboursStay) {
  const PageStorage first(kMegabyte);
  std::memset(first.data(), 1, kMegabyte);
  const std::size_t before = residentBytes();
  const PageStorage untouched(40 * kMegabyte);
  EXPECT_LT(residentBytes(), before + 4 * kMegabyte);
  {
    PageStorage large(20 * kMegabyte);
    std::memset(large.data(), 2, 20 * kMegabyte);
    EXPECT_GT(residentBytes(), before + 19 * kMegabyte);
  }
  EXPECT_LT(residentBytes(), before + 8 * kMegabyte);
  for (std::size_t i = 0; i < kMegabyte; ++i) ASSERT_EQ(first.data()[i], std::byte{1}) << "a neighbour was freed";
}
#endif

TEST(PageStorage, AllocationsAreAlignedApartAndMovable) {
  std::vector<PageStorage> all;
  for (std::size_t i = 0; i < 200; ++i) {
    all.emplace_back(1 + 7919 * i % (2 * kMegabyte));  // growing the list moves them
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(all.back().data()) % kAlignment, 0u);
    std::memset(all.back().data(), static_cast<int>(i), 1 + 7919 * i % (2 * kMegabyte));
  }
  for (std::size_t i = 0; i < 200; i += 3) all[i] = PageStorage();
  for (std::size_t i = 0; i < 200; ++i)
    for (std::size_t j = 0; i % 3 != 0 && j < 1 + 7919 * i % (2 * kMegabyte); ++j) ASSERT_EQ(all[i].data()[j], static_cast<std::byte>(i));
}

TEST(PagedBuffer, GrowsFromTheHeapIntoPagesAndKeepsWhatItHolds) {
  PagedBuffer<float> grown;
  for (int i = 0; i < 300'000; ++i) {
    grown.push_back(static_cast<float>(i));
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(grown.data()) % kAlignment, 0u);
  }
  PagedBuffer<float> copy = grown, moved = std::move(grown);
  moved.erase(moved.begin(), moved.begin() + 290'000);
  moved.shrink_to_fit();  // back to the heap
  for (std::size_t i = 0; i < copy.size(); ++i) ASSERT_EQ(copy[i], static_cast<float>(i));
  for (std::size_t i = 0; i < moved.size(); ++i) ASSERT_EQ(moved[i], static_cast<float>(290'000 + i));
}

TEST(PageStorage, MayBeTakenAndFreedByManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) {
        const PageStorage s(100'000);
        std::memset(s.data(), t, 100'000);
        ASSERT_EQ(s.data()[99'999], static_cast<std::byte>(t));
      }
    });
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace ts
