// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/parameters.h"
#include "engine/transforms/storage.h"

namespace ts {
namespace {

/// 4 bits, or as few as `bits` says. Symmetric: one binary16 scale a group, the largest magnitude on the grid's longer end (group 32,
/// 4 bits: GGUF's Q4_0). Asymmetric: scale and smallest value (Q4_1). The embedding and the head stay at 8 bits unless asked.
const Registration registration(
    {.id = "q4",
     .family = Family::Weights,
     .title = "4-bit rounding",
     .help = "rounds every weight to the nearest of 16 steps, one scale per group of inputs (group 32 is GGUF's Q4_0 and Q4_1)",
     .parameters = {bitsParameter(4), groupParameter(32), symmetricParameter(), targetsParameter(), headParameter({"q8", "same", "keep"}, "q8")}},
    Make<WeightTransform>([](const Settings& s) -> Result<std::unique_ptr<WeightTransform>> {
      TS_TRY(const GridShape shape, gridOf(s, static_cast<int>(s.integer("bits")), s.boolean("symmetric"), "q4"));
      return std::make_unique<RoundingStorage>("q4", shape, targetsOf(s), s.text("head"));
    }));

}  // namespace
}  // namespace ts
