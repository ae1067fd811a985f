// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Eigen would otherwise start OpenMP threads of its own inside the pool's workers.
#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
#include <Eigen/Core>

#include "engine/core/thread_pool.h"
#include "engine/weights/matrix.h"

namespace ts {

using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using DoubleMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The whole matrix as float32, [rows, cols].
inline FloatMatrix unpack(const Matrix& matrix) {
  FloatMatrix out(matrix.rows(), matrix.cols());
  if (out.size() > 0) matrix.unpackRows(0, matrix.rows(), out.data());
  return out;
}

/// `task(i)` for i in [0, count), tasks handed to the workers round-robin (a task must not use the pool itself).
template <class Task>
void forEachTask(ThreadPool& pool, std::int64_t count, Task&& task) {
  const int workers = pool.size();
  pool.run([&](int worker) {
    for (std::int64_t i = worker; i < count; i += workers) task(i);
  });
}

}  // namespace ts
