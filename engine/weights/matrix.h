// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/core/buffer.h"
#include "engine/core/function_ref.h"
#include "engine/weights/execution.h"

namespace ts {

/// A linear map y = W x stored in one format (engine/weights/: one file a format). Immutable once made; shared by every
/// session of a model. W has rows() outputs (N) and cols() inputs (K).
///
/// Promise 3: element (m, n) of a product is reduced over K in one fixed order, whatever the number of rows M up to
/// kNarrowRows and whatever the number of threads. Above that the wide path may reduce in another, also fixed, order.
class Matrix {
 public:
  virtual ~Matrix() = default;

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }

  virtual std::string format() const = 0;       ///< "f16", "q4(group=32)", "low-rank(64)" ...
  virtual std::size_t bytes() const = 0;        ///< held in memory, scales and padding included
  virtual std::size_t bytesRead() const { return bytes(); }  ///< by one product of one row
  virtual std::uint64_t operations() const { return 2ull * rows_ * cols_; }  ///< of one product of one row

  /// How many bytes an activation of few rows is when it meets these weights: 1, 3 (exact), or 0 where floats are multiplied.
  virtual int digits(Activations activations) const = 0;

  /// Rows [first, first + count) as float32, row-major, `cols()` apart: the reference, the gather of an embedding and
  /// what transforms read. Exact for the stored format.
  virtual void unpackRows(std::int64_t first, std::int64_t count, float* out) const = 0;

  /// out[m, n] = sum_k W[n, k] in[m, k] for every row m of `in` (in.width == cols(), out.width == rows()).
  /// Splits the outputs over the context's workers. `wide` allows other paths for many rows (wide.h; prefill, scoring).
  virtual void multiply(ConstRows in, Rows out, Execution& execution, bool wide) const = 0;

 protected:
  Matrix(std::int64_t rows, std::int64_t cols) : rows_(rows), cols_(cols) {}
  std::int64_t rows_, cols_;
};

using MatrixPtr = std::shared_ptr<const Matrix>;

struct Product {
  const Matrix* matrix;
  Rows out;
};

/// Rows up to which every worker prepares a product's activations by itself: more pay for sharing that, at the price of a barrier.
inline constexpr std::int64_t kAloneRows = 3;

/// What surrounds products of few rows, done by whoever has the rows or the columns at hand: it is in his caches then, and nobody waits
/// for it. Rows and columns are each dealt with by themselves, so that results do not depend on who does what. Some workers may be in
/// `after` while others are in `before` still: it must write nothing that is read there.
struct Around {
  /// made = what is multiplied in place of `in`. Every worker makes all rows, for itself, at times more than once: of kAloneRows rows at
  /// most, or any number with one worker.
  FunctionRef<void(ConstRows in, Rows made, int worker)> before;
  Rows made;  ///< memory of the shape of `in` for one worker; with `before`
  /// Called once for each column of all rows, when all products have it. Products have the same columns then.
  FunctionRef<void(Range columns, int worker)> after;
};

/// Several products of the same input with one barrier (q, k and v; gate and up). Same result as one by one.
void multiplyTogether(ConstRows in, std::span<const Product> products, Execution& execution, bool wide, const Around& around = {});

/// Says that a product of a few rows with these matrices, together, comes after the next run of the pool: its workers fetch
/// the beginning of what they will read of them while they wait; ahead of that what is read `before`. `alike`: the matrices have the
/// same columns and something comes after all of them (Around). Changes no result.
void expectProducts(std::span<const Stretch> before, std::span<const Matrix* const> matrices, bool alike, Execution& execution);

}  // namespace ts
