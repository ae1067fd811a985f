// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/token_model.h"
#include "engine/formats/tokenizer_vocabulary.h"

namespace ts {

/// Byte-pair encoding with an ordered list of merges (Sennrich et al. 2016, arXiv 1508.07909; GPT-2's form on bytes).
struct BpeOptions {
  bool byteLevel = false;     ///< words are bytes, pieces spell them in GPT-2's characters
  bool byteFallback = false;  ///< characters outside the vocabulary become <0xXX> pieces
  bool ignoreMerges = false;  ///< a word that is a piece is that piece
  bool fuseUnknown = false;   ///< one unknown id for a run of unknown characters
  int unknown = -1;           ///< -1: unknown characters vanish
};
using MergeList = std::vector<std::pair<std::string, std::string>>;

/// `strict`: a merge whose parts or result are no pieces is an error (tokenizer.json); otherwise it is skipped (GGUF).
Result<std::unique_ptr<TokenModel>> makeBpe(const Vocabulary& vocabulary, const MergeList& merges, BpeOptions options,
                                            bool strict, std::string_view where);

/// SentencePiece's BPE: neighbours merge when their text is a piece, the best score first; characters outside the vocabulary
/// become byte pieces, or `unknown`. Kudo and Richardson 2018, arXiv 1808.06226; google/sentencepiece, src/bpe_model.cc.
/// `mergeable[i]`: piece i may result from merging (control pieces may not).
std::unique_ptr<TokenModel> makeScoredBpe(const Vocabulary& vocabulary, std::vector<float> scores,
                                          const std::vector<bool>& mergeable, int unknown);

}  // namespace ts
