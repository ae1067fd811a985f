// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ts {

/// Pieces by id and ids by piece. Not copyable: the index points into the pieces.
class Vocabulary {
 public:
  Vocabulary() = default;
  explicit Vocabulary(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {
    ids_.reserve(pieces_.size());
    for (std::size_t i = 0; i < pieces_.size(); ++i) ids_.emplace(pieces_[i], static_cast<int>(i));
  }
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  int find(std::string_view piece) const {  ///< -1: not a piece
    const auto it = ids_.find(piece);
    return it == ids_.end() ? -1 : it->second;
  }
  const std::string& operator[](int id) const { return pieces_[static_cast<std::size_t>(id)]; }
  int size() const { return static_cast<int>(pieces_.size()); }

 private:
  std::vector<std::string> pieces_;  // moving a vector leaves its elements where they are
  std::unordered_map<std::string_view, int> ids_;
};

/// "<0x0A>", the piece that stands for one byte; -1 if `piece` is not such a piece.
int byteOfPiece(std::string_view piece);
std::string pieceOfByte(unsigned char byte);

/// GPT-2's spelling of bytes as printable characters ("Ġ" is a space). Source: openai/gpt-2, encoder.py, bytes_to_unicode.
char32_t byteLevelCharacter(unsigned char byte);
int byteOfCharacter(char32_t character);  ///< -1: no byte is spelled so
/// `bytes` in that spelling.
std::string spellBytes(std::string_view bytes);

}  // namespace ts
