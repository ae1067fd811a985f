// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/parameters.h"
#include "engine/transforms/storage.h"

namespace ts {
namespace {

/// 8 bits: groups of neighbouring inputs share a binary16 scale, codes -127 ... 127. Group 32 is GGUF's Q8_0.
const Registration registration(
    {.id = "q8",
     .family = Family::Weights,
     .title = "8-bit rounding",
     .help = "rounds every weight to the nearest of 255 steps, one scale per group of inputs (group 32 is GGUF's Q8_0)",
     .parameters = {groupParameter(32), targetsParameter(), headParameter({"same", "keep"}, "same")}},
    Make<WeightTransform>([](const Settings& s) -> Result<std::unique_ptr<WeightTransform>> {
      TS_TRY(const GridShape shape, gridOf(s, 8, true, "q8"));
      return std::make_unique<RoundingStorage>("q8", shape, targetsOf(s), s.text("head"));
    }));

}  // namespace
}  // namespace ts
