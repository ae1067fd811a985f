// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/thread_pool.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/core/cpu.h"

namespace ts {
namespace {

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Long enough for the gaps between the operations of a decode step, short enough to leave the core to others when idle.
constexpr int kSpins = 4000;

/// Waits until the word differs from `seen`; spins first, then parks on it. `parked` tells the writer to wake.
std::uint32_t waitForChange(const std::atomic<std::uint32_t>& word, std::uint32_t seen, std::atomic<int>& parked) {
  for (int i = 0; i < kSpins; ++i) {
    const std::uint32_t now = word.load(std::memory_order_acquire);
    if (now != seen) return now;
    pause();
  }
  std::uint32_t now;
  parked.fetch_add(1);
  while ((now = word.load()) == seen) word.wait(seen);
  parked.fetch_sub(1);
  return now;
}

}  // namespace

Range share(std::int64_t n, int worker, int workers, std::int64_t grain) {
  const std::int64_t grains = (n + grain - 1) / grain;
  const std::int64_t begin = grains * worker / workers * grain;
  const std::int64_t end = grains * (worker + 1) / workers * grain;
  return {std::min(begin, n), std::min(end, n)};
}

struct ThreadPool::Team {
  alignas(kAlignment) std::atomic<std::uint32_t> epoch{0};  // changes when there is work; the lowest bit of it means stop
  std::atomic<int> parkedWorkers{0};
  void (*body)(void*, int) = nullptr;
  void* context = nullptr;
  alignas(kAlignment) std::atomic<std::uint32_t> finished{0};  // workers that ended the current round
  std::atomic<int> parkedDriver{0};
  std::vector<std::thread> threads;
  std::mutex failureMutex;     // taken only when a body throws
  std::exception_ptr failure;  // read by the driver after the barrier
  int size = 1;

  void work(int worker) {
    omp_set_num_threads(1);
    std::uint32_t seen = 0;
    for (;;) {
      seen = waitForChange(epoch, seen, parkedWorkers);
      if (seen & 1) return;
      try {
        body(context, worker);
      } catch (...) {  // out of memory in a worker is the run's failure, not the program's
        const std::lock_guard lock(failureMutex);
        failure = std::current_exception();
      }
      if (finished.fetch_add(1) + 1 == static_cast<std::uint32_t>(size - 1) && parkedDriver.load() > 0) finished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : team_(std::make_unique<Team>()) {
  team_->size = threads > 0 ? threads : cpuInfo().physicalCores;
  for (int i = 1; i < team_->size; ++i) team_->threads.emplace_back([team = team_.get(), i] { team->work(i); });
}

ThreadPool::~ThreadPool() {
  team_->epoch.fetch_or(1);
  team_->epoch.notify_all();
  for (std::thread& thread : team_->threads) thread.join();
}

int ThreadPool::size() const { return team_->size; }

void ThreadPool::runErased(void (*body)(void*, int), void* context) {
  // The driver computes too; its own OpenMP team would oversubscribe the machine. The setting is per thread.
  thread_local bool single = false;
  if (!single) omp_set_num_threads(1), single = true;
  Team& team = *team_;
  if (team.size == 1) return body(context, 0);
  team.body = body;
  team.context = context;
  team.finished.store(0, std::memory_order_relaxed);
  team.epoch.fetch_add(2);
  if (team.parkedWorkers.load() > 0) team.epoch.notify_all();
  std::exception_ptr own;
  try {
    body(context, 0);
  } catch (...) {
    own = std::current_exception();  // the workers still use `context`: wait for them first
  }
  const auto all = static_cast<std::uint32_t>(team.size - 1);
  std::uint32_t done = team.finished.load(std::memory_order_acquire);
  while (done != all) done = waitForChange(team.finished, done, team.parkedDriver);
  if (!own && team.failure) own = std::move(team.failure);
  team.failure = nullptr;
  if (own) std::rethrow_exception(own);
}

}  // namespace ts
