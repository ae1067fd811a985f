// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace ts {

// What is measured once on a machine and then kept in $XDG_CACHE_HOME/tradespace, so that no choice changes with the noise of a
// measurement. A file for each processor, instruction set, version of oneDNN and type of build; a line for each thing measured: its name, then words.

/// What was kept under this name, without the name.
std::optional<std::string> measuredBefore(const std::string& name);
/// Keeps it. A cache that cannot be written is no error: the next run measures again.
void keepMeasured(const std::string& name, const std::string& words);

/// Of this thread alone, where the system tells: what is measured here is kept for good, and other programs' turns on the
/// processor must not decide it.
double cpuSeconds();

/// Seconds of the best of several runs of each, taken in turn so that a disturbance meets both. `before` each is not counted.
template <class Before, class A, class B>
std::pair<double, double> bestSeconds(Before before, A a, B b) {
  const auto time = [&](auto& body) {
    before();
    const double begin = cpuSeconds();
    body();
    return cpuSeconds() - begin;
  };
  a(), b();  // make primitives, touch memory
  std::pair best{1e9, 1e9};
  for (int i = 0; i < 9; ++i) best = {std::min(best.first, time(a)), std::min(best.second, time(b))};
  return best;
}

}  // namespace ts
