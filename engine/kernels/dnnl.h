// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

namespace ts {

/// The version of oneDNN this program runs with, "2.6.3".
std::string dnnlVersion();

/// out[m, n] = sum_k in[m, k] weights[n, k] in float32, on the calling thread alone (its OpenMP team must be of one).
/// Rows of `in`, `weights` and `out` are `inStride`, k and `outStride` floats apart. Primitives are kept per thread and shape.
void dnnlMultiply(const float* in, std::int64_t inStride, const float* weights, float* out, std::int64_t outStride, std::int64_t m,
                  std::int64_t n, std::int64_t k);

/// The name of the implementation oneDNN picks for such a product, "gemm:jit" or "brg_matmul:avx512_core".
std::string dnnlImplementation(std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace ts
