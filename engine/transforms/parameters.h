// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "engine/registry/registry.h"
#include "engine/transforms/grid.h"
#include "engine/transforms/targets.h"

namespace ts {

// Parameters several transforms share, so that the same word means the same everywhere.
Parameter bitsParameter(std::int64_t fallback);   ///< bits: 2, 3, 4, 5, 6, 8
Parameter groupParameter(std::int64_t fallback);  ///< group: a multiple of 32 inputs, or 0 for the whole row
Parameter symmetricParameter();                   ///< symmetric, default true
/// From `group`. Error: bits or a group that the kernels have no layout for.
Result<GridShape> gridOf(const Settings& settings, int bits, bool symmetric, const std::string& id);

Parameter targetsParameter();  ///< targets: all, attention, mlp
Targets targetsOf(const Settings& settings);

/// What happens to the embedding and the output matrix (one matrix where they are tied), parameter `head`. They hold a fifth of a small
/// model's weights and are read once a token, but harm more than others when coarse: so 4-bit transforms default to 8 bits here,
/// as llama.cpp's mixtures do.
Parameter headParameter(std::vector<std::string> choices, std::string fallback);

}  // namespace ts
