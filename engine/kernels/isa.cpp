// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kernels/isa.h"

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "engine/kernels/targets.h"
#include "hwy/highway.h"

namespace ts {
namespace {

struct Isa {
  const char* name;
  std::int64_t target;
};
// Whichever of the two this compiler and Highway make the portable set.
constexpr std::int64_t kScalar = HWY_SCALAR | HWY_EMU128;
constexpr Isa kIsas[] = {{"avx512vnni", HWY_AVX3_DL}, {"avx512", HWY_AVX3}, {"avx2", HWY_AVX2}, {"neon", HWY_NEON},
                         {"scalar", kScalar}};

std::atomic<int> generation{0};
std::string chosen;

std::int64_t supported() { return hwy::SupportedTargets() & HWY_TARGETS; }

bool choose(const std::string& name) {
  // Highway takes the lowest bit, which is the best set; so everything better than the one asked for is switched off.
  hwy::SetSupportedTargetsForTest(0);
  bool below = false;
  std::int64_t allowed = kScalar;
  for (const Isa& isa : kIsas) {
    below |= name.empty() || name == isa.name;
    if (below) allowed |= isa.target & supported();
  }
  if (!below) return false;
  for (const Isa& isa : kIsas)
    if (allowed & isa.target) {
      hwy::SetSupportedTargetsForTest(allowed);
      hwy::GetChosenTarget().Update(allowed);
      chosen = isa.name;
      generation.fetch_add(1);
      return name.empty() || chosen == name;
    }
  return false;
}

}  // namespace

namespace kernels {
void chooseIsa() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char* asked = std::getenv("TRADESPACE_ISA");
    if (!asked || !choose(asked)) {
      if (chosen.empty()) choose("");
    }
  });
}
int isaGeneration() { return generation.load(std::memory_order_relaxed); }
}  // namespace kernels

std::string kernelIsa() {
  kernels::chooseIsa();
  return chosen;
}

std::vector<std::string> availableIsas() {
  const std::string now = kernelIsa();
  std::vector<std::string> names;
  for (const Isa& isa : kIsas)
    if (forceIsa(isa.name)) names.push_back(isa.name);
  forceIsa(now);
  return names;
}

bool forceIsa(const std::string& name) {
  kernels::chooseIsa();
  const std::string before = chosen;
  if (choose(name)) return true;
  choose(before);
  return false;
}

}  // namespace ts
