// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/token_model.h"
#include "engine/formats/tokenizer.h"
#include "engine/formats/tokenizer_added.h"
#include "engine/formats/tokenizer_normalize.h"
#include "engine/formats/tokenizer_split.h"
#include "engine/formats/tokenizer_vocabulary.h"

namespace ts {

/// How pieces spell text.
enum class Spelling {
  Bytes,      ///< GPT-2's characters for bytes
  Metaspace,  ///< U+2581 is a space, <0xXX> a byte
};

/// What a loader fills in; a tokenizer is these parts run one after another:
/// added tokens cut the text, normalizers rewrite each stretch, split steps cut it into words, the model makes ids.
struct TokenizerParts {
  std::shared_ptr<const Vocabulary> vocabulary;  ///< of the model and the added tokens
  std::vector<AddedToken> added;
  std::vector<Normalizer> normalizers;
  std::vector<SplitStep> splits;
  std::shared_ptr<const TokenModel> model;  ///< may refer to `vocabulary`
  Spelling spelling = Spelling::Bytes;
  std::vector<bool> special;                ///< by id; empty: those of `added`
  std::vector<int> before, after;           ///< ids that addSpecial puts around the text
  int bos = -1, eos = -1;
  bool spacePrefix = false;  ///< encoding puts a space before the text; decoding takes it away again after BOS
  std::string kind;
};
std::shared_ptr<const Tokenizer> makeTokenizer(TokenizerParts parts);

}  // namespace ts
