// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/thread_pool.h"

#include <omp.h>

#include <algorithm>
#include <array>
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

/// What one worker has been told to expect, and how much of it has been asked for.
struct Expected {
  std::array<Stretch, ThreadPool::kStretches> stretches{};
  std::uint32_t telling = 0;  ///< counts what was said
  std::size_t at = 0, offset = 0;

  /// Asks for a few more lines; false when nothing is left.
  bool fetch() {
    constexpr std::size_t line = 64, lines = 4;
    while (at < stretches.size() && offset >= stretches[at].bytes) ++at, offset = 0;
    if (at == stretches.size()) return false;
    for (std::size_t i = 0; i < lines; ++i) __builtin_prefetch(stretches[at].data + offset + i * line, 0, 2);  // 2: not into the first level
    offset += lines * line;
    return true;
  }
};

/// Waits until the word differs from `seen`; spins first, then parks on it. `parked` tells the writer to wake.
std::uint32_t waitForChange(const std::atomic<std::uint32_t>& word, std::uint32_t seen, std::atomic<int>& parked, Expected& expected) {
  for (int i = 0; i < kSpins; ++i) {
    const std::uint32_t now = word.load(std::memory_order_acquire);
    if (now != seen) return now;
    if (!expected.fetch()) pause();
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
  const auto beginOf = [&](int w) { return std::min(n, (grains * w + workers - 1) / workers * grain); };
  return {beginOf(worker), beginOf(worker + 1)};
}

Portions::Portions(std::int64_t n, int workers) : n_(n), workers_(workers) {
  for (std::int64_t rest = n; rest > 0; rest -= workers_ * size(rest)) count_ += std::min(workers_, (rest + size(rest) - 1) / size(rest));
}

Range Portions::operator[](std::int64_t i) const {
  std::int64_t begin = 0;
  for (; i >= workers_; i -= workers_) begin += workers_ * size(n_ - begin);
  const std::int64_t length = size(n_ - begin);
  begin += i * length;
  return {begin, std::min(begin + length, n_)};
}

struct ThreadPool::Team {
  struct alignas(kAlignment) Told {
    Expected expected;
  };
  struct alignas(kAlignment) Next {
    std::atomic<std::int64_t> item{0};
  };
  int size = 1;
  std::vector<std::thread> threads;
  std::vector<Told> told;  // of each worker; written between runs, read by the worker as a run begins
  std::vector<Next> next;  // of each worker's share, which others may take from
  alignas(kAlignment) Expected own;  // the driver's
  alignas(kAlignment) std::atomic<std::uint32_t> epoch{0};  // changes when there is work; the lowest bit of it means stop
  std::atomic<int> parkedWorkers{0};
  void (*body)(void*, int) = nullptr;
  void* context = nullptr;
  alignas(kAlignment) std::atomic<std::uint32_t> finished{0};  // workers that ended the current round
  std::atomic<int> parkedDriver{0};
  std::mutex failureMutex;     // taken only when a body throws
  std::exception_ptr failure;  // read by the driver after the barrier

  void work(int worker) {
    omp_set_num_threads(1);
    std::uint32_t seen = 0;
    Expected expected;
    for (;;) {
      seen = waitForChange(epoch, seen, parkedWorkers, expected);
      if (seen & 1) return;
      if (const Expected& now = told[static_cast<std::size_t>(worker)].expected; now.telling != expected.telling) expected = now;
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
  team_->told.resize(static_cast<std::size_t>(team_->size));
  team_->next = std::vector<Team::Next>(static_cast<std::size_t>(team_->size));
  for (int i = 1; i < team_->size; ++i) team_->threads.emplace_back([team = team_.get(), i] { team->work(i); });
}

ThreadPool::~ThreadPool() {
  team_->epoch.fetch_or(1);
  team_->epoch.notify_all();
  for (std::thread& thread : team_->threads) thread.join();
}

int ThreadPool::size() const { return team_->size; }
std::atomic<std::int64_t>& ThreadPool::next(int worker) { return team_->next[static_cast<std::size_t>(worker)].item; }

void ThreadPool::expect(int worker, std::span<const Stretch> stretches) {
  Expected& told = worker == 0 ? team_->own : team_->told[static_cast<std::size_t>(worker)].expected;
  told.stretches = {};
  std::copy_n(stretches.begin(), std::min(stretches.size(), kStretches), told.stretches.begin());
  told.at = told.offset = 0;
  ++told.telling;
}

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
  while (done != all) done = waitForChange(team.finished, done, team.parkedDriver, team.own);
  if (!own && team.failure) own = std::move(team.failure);
  team.failure = nullptr;
  if (own) std::rethrow_exception(own);
}

}  // namespace ts
