// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/parameters.h"

namespace ts {

Parameter bitsParameter(std::int64_t fallback) {
  return {.name = "bits", .type = ParameterType::Integer, .fallback = fallback, .help = "bits of a weight's code", .unit = "bits",
          .minimum = 2, .maximum = 8};
}

Parameter groupParameter(std::int64_t fallback) {
  return {.name = "group", .type = ParameterType::Integer, .fallback = fallback,
          .help = "neighbouring inputs that share a scale, a multiple of 32; 0: the whole row", .unit = "inputs", .minimum = 0, .maximum = 4096,
          .scale = Scale::Logarithmic};
}

Parameter symmetricParameter() {
  return {.name = "symmetric", .type = ParameterType::Boolean, .fallback = true,
          .help = "a grid around zero; else each group also stores its smallest value"};
}

Result<GridShape> gridOf(const Settings& settings, int bits, bool symmetric, const std::string& id) {
  const std::int64_t group = settings.integer("group");
  if (group % 32 != 0) return fail("group must be a multiple of 32, or 0 for the whole row, not " + std::to_string(group), "--weights " + id);
  if (bits == 7) return fail("bits must be 2, 3, 4, 5, 6 or 8, not 7", "--weights " + id);
  return GridShape{.bits = bits, .group = group == 0 ? GridShape::kWholeRow : static_cast<int>(group), .symmetric = symmetric};
}

Parameter targetsParameter() {
  return {.name = "targets", .type = ParameterType::Choice, .fallback = std::string("all"),
          .help = "the linear maps it works on", .choices = {"all", "attention", "mlp"}};
}

Targets targetsOf(const Settings& settings) {
  const std::string& text = settings.text("targets");
  return {.attention = text != "mlp", .mlp = text != "attention"};
}

Parameter headParameter(std::vector<std::string> choices, std::string fallback) {
  return {.name = "head", .type = ParameterType::Choice, .fallback = std::move(fallback),
          .help = "how the embedding and the output matrix are stored", .choices = std::move(choices)};
}

}  // namespace ts
