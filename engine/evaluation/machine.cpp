// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/machine.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

namespace ts {

double probeMachine(ThreadPool& pool) {
  std::atomic<std::uint64_t> sink{0};  // or the compiler sees that nobody reads the result
  double best = 1e9;
  for (int pass = 0; pass < 3; ++pass) {
    const auto begin = std::chrono::steady_clock::now();
    pool.run([&](int worker) {
      std::uint64_t x = 88172645463325252ull + static_cast<std::uint64_t>(worker);
      for (int i = 0; i < 1'000'000; ++i) {  // xorshift: a chain no compiler shortens
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
      }
      sink += x;
    });
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

bool resetPeakMemory() {
  std::ofstream out("/proc/self/clear_refs");
  out << '5' << std::flush;
  return static_cast<bool>(out);
}

std::uint64_t peakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  return 0;
}

std::uint64_t residentMemory() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  return statm >> size >> resident ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

void trimMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

double loadAverage() {
  double average[1] = {0};
  return getloadavg(average, 1) == 1 ? average[0] : 0;
}

}  // namespace ts
