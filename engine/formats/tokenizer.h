// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace ts {

/// Text to token ids and back. Immutable and thread-safe.
class Tokenizer {
 public:
  struct EncodeOptions {
    bool addSpecial = true;    ///< add BOS (and EOS) where the model's own tokenizer does
    bool parseSpecial = true;  ///< "<|im_start|>" in the text is the special token, as Hugging Face does
  };
  virtual ~Tokenizer() = default;
  virtual std::vector<int> encode(std::string_view text, EncodeOptions options) const = 0;
  std::vector<int> encode(std::string_view text) const { return encode(text, EncodeOptions()); }

  /// The bytes of the ids one after another; a token may end inside a UTF-8 character (Utf8Stream holds it back).
  virtual std::string decode(std::span<const int> ids, bool skipSpecial = false) const = 0;

  virtual std::string kind() const = 0;  ///< "byte-level BPE", "SentencePiece BPE", "Unigram"
  virtual int vocabularySize() const = 0;
  virtual std::string_view piece(int id) const = 0;  ///< as the vocabulary spells it
  virtual int bos() const = 0;                       ///< -1: none
  virtual int eos() const = 0;
  virtual bool addsBos() const = 0;
  virtual bool isSpecial(int id) const = 0;
};

/// Feeds bytes in, gives whole UTF-8 characters out; for streaming a token at a time.
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);  ///< the complete characters so far
  std::string finish();                      ///< what is left, broken bytes as U+FFFD
 private:
  std::string held_;
};

}  // namespace ts
