// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/targets.h"

#include "engine/transforms/grid.h"
#include "engine/transforms/store.h"

namespace ts {

Result<MatrixPtr> repackMatrix(const MatrixPtr& matrix, const Repack& repack) {
  const auto parts = lowRankParts(*matrix);
  if (!parts) return repack(*matrix);
  TS_TRY(MatrixPtr a, repackMatrix(parts->a, repack));
  TS_TRY(MatrixPtr b, repackMatrix(parts->b, repack));
  return joinLowRank({std::move(a), std::move(b)});
}

Result<void> repackBlock(Block& block, const Targets& targets, const Repack& repack) {
  for (const Role role : kRoles) {
    MatrixPtr& weight = block.linear(role).weight;
    if (!weight || !targets.contains(role)) continue;
    TS_TRY(weight, repackMatrix(weight, repack));
  }
  return {};
}

Result<void> repackHead(Model& model, const Repack& repack) {
  const bool tied = model.head.weight == model.embedding;
  TS_TRY(model.embedding, repackMatrix(model.embedding, repack));
  if (tied) {
    model.head.weight = model.embedding;
  } else {
    TS_TRY(model.head.weight, repackMatrix(model.head.weight, repack));
  }
  return {};
}

Result<void> applyHeadChoice(Model& model, const std::string& choice, TransformContext& context) {
  if (choice != "q8") return {};
  return repackHead(model, [&](const Matrix& matrix) -> Result<MatrixPtr> {
    return pack(roundToNearest({.bits = 8, .group = 32, .symmetric = true}, unpack(matrix), context.pool), context.pool);
  });
}

Result<void> stopRequested(const TransformContext& context, std::string_view where) {
  if (context.stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopped while transforming the weights", std::string(where));
  return {};
}

}  // namespace ts
