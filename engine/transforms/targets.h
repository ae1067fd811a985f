// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/transforms/transform.h"

namespace ts {

inline bool isAttention(Role role) { return role == Role::Q || role == Role::K || role == Role::V || role == Role::O; }

/// Which linear maps of a block a transform works on (parameter `targets`).
struct Targets {
  bool attention = true, mlp = true;
  bool contains(Role role) const { return isAttention(role) ? attention : mlp; }
};

/// Makes a new matrix of an old one.
using Repack = std::function<Result<MatrixPtr>(const Matrix& matrix)>;

/// Every matrix of the block in `targets` through `repack`, one after another. Low-rank matrices: each factor by itself.
Result<void> repackBlock(Block& block, const Targets& targets, const Repack& repack);
/// The embedding and the head through `repack`; once, if they are the same matrix.
Result<void> repackHead(Model& model, const Repack& repack);
/// `matrix` through `repack`, its factors if it is low-rank.
Result<MatrixPtr> repackMatrix(const MatrixPtr& matrix, const Repack& repack);

/// The head choices other transforms share: "keep" does nothing, "q8" stores in blocks of 32 with 8 bits.
Result<void> applyHeadChoice(Model& model, const std::string& choice, TransformContext& context);

/// An error of kind Cancelled when the user asked to stop.
Result<void> stopRequested(const TransformContext& context, std::string_view where);

}  // namespace ts
