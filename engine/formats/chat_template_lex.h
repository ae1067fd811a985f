// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ts::chat {

/// A stretch of a template: literal text, or the inside of {{ }} or {% %} as tokens.
struct Token {
  enum class Kind { Name, Text, Integer, Real, Symbol, End };
  Kind kind = Kind::End;
  std::string text;  ///< string literals unescaped
};
struct Section {
  enum class Kind { Text, Output, Tag };
  Kind kind = Kind::Text;
  int line = 1;
  std::string text;           ///< of Text
  std::vector<Token> tokens;  ///< of the others, an End last
};

/// Cuts a source into sections and applies white-space control ("-", trim_blocks, lstrip_blocks). Throws TemplateError.
std::vector<Section> lex(std::string_view source);

}  // namespace ts::chat
