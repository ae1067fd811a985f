// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace ts {

// What is measured once on a machine and then kept in $XDG_CACHE_HOME/tradespace, so that no choice changes with the noise of a
// measurement. A file for each processor, instruction set, version of oneDNN and type of build; a line for each thing measured: its name, then words.

/// What was kept under this name last, without the name.
std::optional<std::string> measuredBefore(const std::string& name);
/// Keeps it. A cache that cannot be written is no error: the next run measures again.
void keepMeasured(const std::string& name, const std::string& words);

/// Of this thread alone, where the system tells: what is measured here is kept for good, and other programs' turns on the
/// processor must not decide it.
double cpuSeconds();

/// Seconds of several runs of each, the fastest first, taken in turn so that a disturbance meets all. `before` each is not counted.
template <class Before, class... Bodies>
std::array<std::array<double, 9>, sizeof...(Bodies)> secondsInTurn(Before before, Bodies... bodies) {
  const auto time = [&](auto& body) {
    before();
    const double begin = cpuSeconds();
    body();
    return cpuSeconds() - begin;
  };
  (bodies(), ...);  // make primitives, touch memory
  std::array<std::array<double, 9>, sizeof...(Bodies)> all;
  for (std::size_t turn = 0; turn < all[0].size(); ++turn) {
    std::size_t i = 0;
    ((all[i++][turn] = time(bodies)), ...);
  }
  for (auto& seconds : all) std::ranges::sort(seconds);
  return all;
}

/// Of the best: what can be done.
template <class Before, class... Bodies>
std::array<double, sizeof...(Bodies)> bestSeconds(Before before, Bodies... bodies) {
  std::array<double, sizeof...(Bodies)> best;
  std::ranges::transform(secondsInTurn(before, bodies...), best.begin(), [](const auto& seconds) { return seconds.front(); });
  return best;
}
/// Of the middle one: what will be had, on a machine whose cores are shared with others too. Those slow some kernels far more than others.
template <class... Bodies>
std::array<double, sizeof...(Bodies)> usualSeconds(Bodies... bodies) {
  std::array<double, sizeof...(Bodies)> usual;
  std::ranges::transform(secondsInTurn([] {}, bodies...), usual.begin(), [](const auto& seconds) { return seconds[seconds.size() / 2]; });
  return usual;
}

}  // namespace ts
