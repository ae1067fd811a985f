// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string_view>

#include "engine/core/result.h"
#include "engine/formats/tokenizer.h"

namespace ts {

/// A tokenizer.model (a serialized SentencePiece model, BPE or Unigram), run by the sentencepiece library, with BOS and EOS as
/// tokenizer_config.json asks (Llama's default: BOS) and the pieces of added_tokens.json. Empty texts: no such file.
Result<std::shared_ptr<const Tokenizer>> tokenizerOfSentencePiece(std::string_view model, std::string_view config,
                                                                  std::string_view addedTokens, std::string_view where);

}  // namespace ts
