// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_vocabulary.h"

#include <array>

#include "engine/formats/tokenizer_utf8.h"

namespace ts {

namespace {

struct ByteSpelling {
  std::array<char32_t, 256> character{};
  std::array<std::int16_t, 512> byte{};
  ByteSpelling() {
    byte.fill(-1);
    char32_t next = 256;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
      const char32_t c = printable ? static_cast<char32_t>(b) : next++;
      character[static_cast<std::size_t>(b)] = c;
      byte[c] = static_cast<std::int16_t>(b);
    }
  }
};
const ByteSpelling& spelling() {
  static const ByteSpelling table;
  return table;
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

int byteOfPiece(std::string_view piece) {
  if (piece.size() != 6 || piece.substr(0, 3) != "<0x" || piece[5] != '>') return -1;
  const int high = hexDigit(piece[3]), low = hexDigit(piece[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string pieceOfByte(unsigned char byte) {
  constexpr char digits[] = "0123456789ABCDEF";
  return std::string("<0x") + digits[byte >> 4] + digits[byte & 15] + ">";
}

char32_t byteLevelCharacter(unsigned char byte) { return spelling().character[byte]; }

int byteOfCharacter(char32_t character) { return character < 512 ? spelling().byte[character] : -1; }

std::string spellBytes(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) utf8Append(out, byteLevelCharacter(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace ts
