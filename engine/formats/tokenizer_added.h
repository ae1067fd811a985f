// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/formats/tokenizer_tables.h"

namespace ts {

/// A token that is found in the text before it is split into words; the fields are Hugging Face's.
struct AddedToken {
  int id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;  ///< looked for in the normalized text
  bool leftStrip = false;   ///< swallows white space before it
  bool rightStrip = false;
  bool singleWord = false;  ///< only between characters that are not part of words
};

/// Cuts a text at added tokens: leftmost, then longest.
class AddedTokens {
 public:
  struct Piece {
    int id = -1;            ///< -1: plain text
    std::string_view text;
  };
  void add(AddedToken token);
  bool empty() const { return trie_.empty(); }
  void split(std::string_view text, bool special, std::vector<Piece>& out) const;

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie trie_;
};

}  // namespace ts
