// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/formats/tensor.h"

namespace ts {

/// Whether quantize() can write this type: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1.
bool canQuantize(TensorType type);

/// `count` floats (a multiple of the block's values) rounded to nearest into blocks at `out`, with the same bytes as
/// the reference quantizers of ggml (ggml-quants.c, quantize_row_*_ref). `type` must satisfy canQuantize().
void quantize(TensorType type, const float* values, std::int64_t count, std::byte* out);

}  // namespace ts
