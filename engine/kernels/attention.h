// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace ts {

/// Attention over plain rows (float32, or IEEE half as 16-bit words), `dim` values each, one after another. A score or
/// an output value is reduced in one fixed order that depends on `dim` and the row's place alone, never on how many rows
/// or heads are asked for together: the group forms give the bits of the single ones.

/// scores[i] = query . rows[i]
void dotRows(const float* query, const float* rows, std::int64_t count, int dim, float* scores);
void dotRows(const float* query, const std::uint16_t* rows, std::int64_t count, int dim, float* scores);

/// out[d] += sum_i weights[i] * rows[i][d], rows in order.
void axpyRows(const float* weights, const float* rows, std::int64_t count, int dim, float* out);
void axpyRows(const float* weights, const std::uint16_t* rows, std::int64_t count, int dim, float* out);

/// The query heads of one group against the same rows, which are read from memory once: query g starts at
/// queries + g * queryStride, its scores at scores + g * scoreStride (strides in floats).
void dotRowsGroup(const float* queries, std::int64_t queryStride, int heads, const float* rows, std::int64_t count, int dim,
                  float* scores, std::int64_t scoreStride);
void dotRowsGroup(const float* queries, std::int64_t queryStride, int heads, const std::uint16_t* rows, std::int64_t count,
                  int dim, float* scores, std::int64_t scoreStride);
void axpyRowsGroup(const float* weights, std::int64_t weightStride, int heads, const float* rows, std::int64_t count, int dim,
                   float* out, std::int64_t outStride);
void axpyRowsGroup(const float* weights, std::int64_t weightStride, int heads, const std::uint16_t* rows, std::int64_t count,
                   int dim, float* out, std::int64_t outStride);

/// The same where a row begins every `rowStride` values and `dim` of them are taken: a slice of the outputs.
void axpyRowsSlice(const float* weights, std::int64_t weightStride, int heads, const float* rows, std::int64_t rowStride, std::int64_t count,
                   int dim, float* out, std::int64_t outStride);

}  // namespace ts
