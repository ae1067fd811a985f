// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace ts {

/// A half-open range of indices.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// Some bytes that will be read.
struct Stretch {
  const std::byte* data = nullptr;
  std::size_t bytes = 0;
};

/// The share of `worker` in n items split evenly among `workers`, in multiples of `grain` (except the last). The driver, worker 0, has
/// a share whenever there is an item.
Range share(std::int64_t n, int worker, int workers, std::int64_t grain = 1);

/// n items cut so that workers end together where their cores are not equally free: half of them in a portion for each worker,
/// half of the rest likewise, and so on down to single items, to be taken in order by whoever is free (ThreadPool::each).
/// This is factoring (Hummel, Schonberg and Flynn, Communications of the ACM 35:8, 1992).
class Portions {
 public:
  Portions(std::int64_t n, int workers);
  std::int64_t count() const { return count_; }
  Range operator[](std::int64_t i) const;

 private:
  std::int64_t size(std::int64_t rest) const { return rest < 4 * workers_ ? 1 : rest / (2 * workers_); }  ///< of each portion of a round
  std::int64_t n_, workers_, count_ = 0;
};

/// A fixed team of threads that runs one function at a time on all of them; the calling thread is worker 0.
/// Workers spin briefly, then park, since a decode step has hundreds of barriers. oneDNN and OpenMP run
/// single-threaded inside every worker. Not re-entrant; one driver thread at a time.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);  ///< 0: one per physical core this process may use
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;

  /// Calls body(worker) on every worker and returns when all have finished. No allocation, no lock taken while busy.
  template <class Body>
  void run(Body&& body) {
    runErased([](void* context, int worker) { (*static_cast<std::remove_reference_t<Body>*>(context))(worker); }, &body);
  }

  /// What `worker` will read in one of the next runs. From the next run on it asks its cache for that whenever it waits, for
  /// the others or for the driver's work between two runs, so that the memory is never idle while something is left to read.
  /// Replaces what was said before; the first kStretches count. Called by the driver, between runs.
  void expect(int worker, std::span<const Stretch> stretches);
  static constexpr std::size_t kStretches = 8;

  /// Takes items 0 ... n - 1 one by one, each by whoever is free: work of unequal size. body(item, worker).
  template <class Body>
  void each(std::int64_t n, Body&& body) {
    std::atomic<std::int64_t> next{0};
    run([&](int worker) {
      for (std::int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;) body(i, worker);
    });
  }

  /// Every worker takes the items of its own share one by one, the same from call to call so that its caches know them, then what is
  /// left of others'. body(item, worker).
  template <class Body>
  void eachOfShares(std::int64_t n, Body&& body) {
    for (int w = 0; w < size(); ++w) next(w).store(share(n, w, size()).begin, std::memory_order_relaxed);
    run([&](int worker) {
      for (int i = 0; i < size(); ++i) {
        const int owner = (worker + i) % size();
        const std::int64_t end = share(n, owner, size()).end;
        for (std::int64_t item; (item = next(owner).fetch_add(1, std::memory_order_relaxed)) < end;) body(item, worker);
      }
    });
  }

  /// Splits n items among the workers: body(range, worker).
  template <class Body>
  void split(std::int64_t n, std::int64_t grain, Body&& body) {
    run([&](int worker) {
      const Range range = share(n, worker, size(), grain);
      if (range.size() > 0) body(range, worker);
    });
  }

 private:
  void runErased(void (*body)(void*, int), void* context);
  std::atomic<std::int64_t>& next(int worker);  ///< item of the worker's share
  struct Team;
  std::unique_ptr<Team> team_;
};

}  // namespace ts
