// SPDX-License-Identifier: GPL-3.0-or-later
// A decode step in steady state takes no memory from the heap: this program's own operator new counts.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "engine/registry/registry.h"
#include "engine/session/session.h"

namespace {
std::atomic<bool> counting{false};
std::atomic<int> taken{0};

void* take(std::size_t size, std::size_t alignment) {
  if (counting.load(std::memory_order_relaxed)) taken.fetch_add(1, std::memory_order_relaxed);
  void* p = alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : std::malloc(size);
  if (!p) throw std::bad_alloc();
  return p;
}
}  // namespace

void* operator new(std::size_t size) { return take(size, 0); }
void* operator new[](std::size_t size) { return take(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return take(size, static_cast<std::size_t>(alignment)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace ts {
namespace {

/// Allocations of `steps` decode steps behind `before` tokens.
int allocations(const char* name, int draft, int before, int steps, Activations activations) {
  static ThreadPool pool(2);
  const auto checkpoint = openCheckpoint(std::filesystem::path(TS_SOURCE_DIR) / "tests/data/families" / name);
  const std::shared_ptr<const Model> model = *buildModel(*checkpoint, pool);
  const auto session = *Session::open(model, pool, {.kv = {}, .activations = activations, .capacity = 128});
  std::vector<int> ids(static_cast<std::size_t>(before), 5), path;
  EXPECT_TRUE(session->prefill(ids, before, nullptr));
  const DraftTree tree = DraftTree::chain(std::vector<int>(static_cast<std::size_t>(draft), 7));
  for (int i = 0; i < draft; ++i) path.push_back(i);
  for (int i = 0; i < 2 + steps; ++i) {
    if (i == 2) taken = 0, counting = true;  // the first steps size the buffers
    EXPECT_TRUE(session->decode(tree));
    session->commit(path);
  }
  counting = false;
  return taken;
}

TEST(Allocation, IsCounted) {
  taken = 0, counting = true;
  delete new std::vector<int>(3);
  counting = false;
  EXPECT_EQ(taken, 2);
}

TEST(Allocation, ADecodeStepTakesNothingFromTheHeap) {
  for (const char* name : {"llama", "gpt2"})
    for (const Activations activations : {Activations::F32, Activations::Q8}) {
      EXPECT_EQ(allocations(name, 1, 20, 40, activations), 0) << name;
      EXPECT_EQ(allocations(name, 3, 20, 10, activations), 0) << name << ", a draft of three";
    }
}

}  // namespace
}  // namespace ts
