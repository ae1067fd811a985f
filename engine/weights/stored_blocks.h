// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

#include "engine/formats/tensor.h"
#include "engine/weights/matrix.h"

namespace ts {

/// The matrix as GGUF blocks that mean the same floats bit for bit, in the smallest type that can hold it:
///   plain floats           F32, F16, BF16;
///   scale * integer        Q4_0, Q5_0 or Q8_0, by the range of the integers (so 4 bits with a zero point become Q5_0);
///   scale * code + offset  Q4_1 or Q5_1.
/// Groups may be of any multiple of 32: neighbouring blocks then repeat their scale. None when no type fits: scales that
/// are no halves, groups of 16, rows that are no multiple of 32, low-rank factors.
std::optional<Tensor> storedBlocks(const Matrix& matrix);

}  // namespace ts
