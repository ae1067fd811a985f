// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "engine/core/buffer.h"
#include "engine/core/thread_pool.h"

namespace ts {

// Attention over float32 or half-precision (16-bit words) rows. Keys lie in panels of 16 rows, [panel][value][16], as
// weights do: a lane is a row, so scoring streams memory and needs no sum over lanes. Values lie row by row.
//
// Every score and every output value is summed in one fixed order, which does not depend on how many queries or rows are
// asked for together, nor on the instruction set's width.

inline constexpr std::int64_t kKeyPanel = 16;

/// Where value i of row r lies in panels of `dim` values.
constexpr std::int64_t inKeyPanels(std::int64_t r, std::int64_t i, std::int64_t dim) { return (r / kKeyPanel * dim + i) * kKeyPanel + r % kKeyPanel; }
/// Panels that `rows` rows take.
constexpr std::int64_t keyPanels(std::int64_t rows) { return (rows + kKeyPanel - 1) / kKeyPanel; }

/// scores.row(q)[i] = queries.row(q) . row rows.begin + i, rows counted from the first of `panels`. queries.width is the
/// length of a row. `sideBySide`: what layQueries() made of the same queries, or null.
void scoreKeys(ConstRows queries, const float* panels, Range rows, Rows scores, const float* sideBySide = nullptr);
void scoreKeys(ConstRows queries, const std::uint16_t* panels, Range rows, Rows scores, const float* sideBySide = nullptr);

/// Lays many queries as the kernels take them fastest, for several calls; null where they are as well as they are.
/// `memory`: as many floats as the queries are.
const float* layQueries(ConstRows queries, float* memory);

/// out.row(q) += sum over i of weights.row(q)[i] * row i, rows in order; weights.width rows of out.width values, one after
/// another.
void addValues(ConstRows weights, const float* rows, Rows out);
void addValues(ConstRows weights, const std::uint16_t* rows, Rows out);

/// Rows to panels; lanes beyond the last row are zero.
void toKeyPanels(ConstRows rows, float* panels);

}  // namespace ts
