// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace ts {

/// The instruction set the kernels run with: the best this machine has, or the one TRADESPACE_ISA asks for
/// ("scalar", "avx2", "avx512", "avx512vnni", "neon"; a set the machine lacks falls to the next one below).
/// Fixed at the first use of any kernel.
std::string kernelIsa();

/// Every set compiled in that this machine has, best first.
std::vector<std::string> availableIsas();

/// For tests: run with another set from now on (no kernel may be running). False if this machine lacks it.
bool forceIsa(const std::string& name);

namespace kernels {
/// Applies TRADESPACE_ISA; every dispatching file calls it before its first choice.
void chooseIsa();
/// Counts forceIsa() calls, so that cached function tables know they are stale.
int isaGeneration();
}  // namespace kernels

}  // namespace ts

/// Defines `const Table& name()` in namespace ts::kernels, where a dispatching file is compiled once: what `make` of the instruction set
/// in force returns.
#define TS_CHOSEN_TABLE(Table, name, make)          \
  HWY_EXPORT(make);                                 \
  const Table& name() {                             \
    static const bool chosen = (chooseIsa(), true); \
    (void)chosen;                                   \
    return *HWY_DYNAMIC_DISPATCH(make)();           \
  }
