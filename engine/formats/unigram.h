// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "engine/formats/token_model.h"
#include "engine/formats/tokenizer_vocabulary.h"

namespace ts {

/// The unigram language model: the segmentation with the greatest sum of piece scores (Viterbi). Characters no piece covers
/// become `unknown` (a run of them once), or byte pieces where `byteFallback`. Kudo 2018, arXiv 1804.10959;
/// google/sentencepiece, src/unigram_model.cc (EncodeOptimized).
/// `usable[i]`: piece i may appear (control, unknown and byte pieces may not).
std::unique_ptr<TokenModel> makeUnigram(const Vocabulary& vocabulary, std::vector<float> scores,
                                        const std::vector<bool>& usable, int unknown, bool byteFallback);

}  // namespace ts
