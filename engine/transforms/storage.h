// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "engine/registry/registry.h"
#include "engine/transforms/grid.h"
#include "engine/transforms/targets.h"

namespace ts {

/// A transform that stores matrices differently, one by one, without calibration: what f32, f16, bf16, q8 and q4 have in common.
class StorageTransform : public WeightTransform {
 public:
  /// `head`: as `repack`, "keep" or "q8".
  StorageTransform(std::string id, Targets targets, bool headToo, std::string head) :
      id_(std::move(id)), targets_(targets), headToo_(headToo), head_(std::move(head)) {}
  Result<TransformReport> apply(Model& model, TransformContext& context) const override;

 protected:
  virtual Result<MatrixPtr> repack(const Matrix& matrix, ThreadPool& pool) const = 0;

 private:
  std::string id_;
  Targets targets_;
  bool headToo_;      ///< the embedding and the output matrix get the same treatment
  std::string head_;  ///< else this choice
};

/// Round to nearest on a grid: what q8 and q4 are.
class RoundingStorage : public StorageTransform {
 public:
  RoundingStorage(std::string id, const GridShape& shape, Targets targets, const std::string& head)
      : StorageTransform(std::move(id), targets, head == "same", head), shape_(shape) {}

 protected:
  Result<MatrixPtr> repack(const Matrix& matrix, ThreadPool& pool) const override;

 private:
  GridShape shape_;
};

/// The whole of f32, f16 and bf16: another floating-point format for every target.
Strategy plainStorage(std::string id, std::string title, std::string help);

}  // namespace ts
