// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/tokenizer.h"

namespace ts {

inline constexpr int kCalibrationSequences = 32, kCalibrationLength = 256;  ///< what a recipe gets unless the caller brings its own

/// `sequences` token sequences of `length` from the bundled calibration text (resources/calibration/wikipedia.txt), or from `text`
/// if that is not empty, evenly spread over it; each starts with BOS where the tokenizer adds one. Fewer when the text is shorter
/// than asked; always at least one.
/// Errors: the text cannot be read, or holds fewer than `length` tokens.
Result<std::vector<std::vector<int>>> defaultCalibration(const Tokenizer& tokenizer, int sequences = kCalibrationSequences, int length = kCalibrationLength,
                                                         const std::filesystem::path& text = {});

}  // namespace ts
