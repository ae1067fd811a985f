// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <span>
#include <vector>

#include "engine/transforms/linalg.h"
#include "engine/transforms/sites.h"

namespace ts {

/// A block's linear maps as floats while their channels are rescaled. A low-rank map keeps its factors.
struct HeldWeight {
  FloatMatrix input;   ///< W, or B of W = A B: what meets the input
  FloatMatrix output;  ///< A, empty unless low-rank
  bool present() const { return input.size() > 0; }
  FloatMatrix& outputSide() { return output.size() > 0 ? output : input; }
};
struct HeldBlock {
  std::array<HeldWeight, 7> weights;
  HeldWeight& of(Role role) { return weights[static_cast<std::size_t>(role)]; }
};
HeldBlock holdBlock(const Block& block);

/// Whether what comes before a site can take the inverse of a scale put on the site's input channels, leaving the block's outputs
/// unchanged: the pre-norm for q, k, v and for gate and up (none in post-norm blocks); v for o; up for down in a gated MLP (an activation
/// in between, as in GPT-2, cannot).
bool canFold(const Block& block, Site site);

/// For o the scale must be the same for all query heads that read one key/value head: averages `magnitude` over them.
std::vector<float> tied(const Block& block, Site site, std::vector<float> magnitude);

/// Multiplies the site's weights by `scale` (per input channel) and what comes before by its inverse.
void fold(Block& block, HeldBlock& held, Site site, std::span<const float> scale);

}  // namespace ts
