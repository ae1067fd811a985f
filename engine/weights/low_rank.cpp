// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cassert>

#include "engine/kernels/vector.h"
#include "engine/weights/formats.h"

namespace ts {
namespace {

class LowRankMatrix final : public Matrix {
 public:
  LowRankMatrix(MatrixPtr a, MatrixPtr b) : Matrix(a->rows(), b->cols()), a_(std::move(a)), b_(std::move(b)) {
    assert(a_->cols() == b_->rows());
  }
  std::string format() const override { return "low-rank(" + std::to_string(b_->rows()) + ", " + a_->format() + ")"; }
  std::size_t bytes() const override { return a_->bytes() + b_->bytes(); }
  std::size_t bytesRead() const override { return a_->bytesRead() + b_->bytesRead(); }
  std::uint64_t operations() const override { return a_->operations() + b_->operations(); }
  int digits(Activations activations) const override { return std::min(a_->digits(activations), b_->digits(activations)); }

  void unpackRows(std::int64_t first, std::int64_t count, float* out) const override {
    const std::int64_t rank = b_->rows();
    std::vector<float> a(static_cast<std::size_t>(count * rank)), b(static_cast<std::size_t>(cols_));
    a_->unpackRows(first, count, a.data());
    std::fill(out, out + count * cols_, 0.0f);
    for (std::int64_t r = 0; r < rank; ++r) {
      b_->unpackRows(r, 1, b.data());
      for (std::int64_t n = 0; n < count; ++n) addScaled(a[static_cast<std::size_t>(n * rank + r)], b.data(), cols_, out + n * cols_);
    }
  }

  void multiply(ConstRows in, Rows out, Execution& execution, bool wide) const override {
    const std::int64_t rank = b_->rows();
    const auto size = static_cast<std::size_t>(in.count * rank);
    if (execution.middle.size() < size) execution.middle.resize(size);
    const Rows middle{execution.middle.data(), in.count, rank, rank};
    b_->multiply(in, middle, execution, wide);
    a_->multiply(middle, out, execution, wide);
  }

  std::pair<MatrixPtr, MatrixPtr> factors() const { return {a_, b_}; }

 private:
  MatrixPtr a_, b_;
};

}  // namespace

MatrixPtr makeLowRank(MatrixPtr a, MatrixPtr b) { return std::make_shared<LowRankMatrix>(std::move(a), std::move(b)); }

std::optional<std::pair<MatrixPtr, MatrixPtr>> lowRankFactors(const Matrix& matrix) {
  const auto* product = dynamic_cast<const LowRankMatrix*>(&matrix);
  return product ? std::optional(product->factors()) : std::nullopt;
}

}  // namespace ts
