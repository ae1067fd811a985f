// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/byte_reader.h"

#include <utf8proc.h>

namespace ts {

std::string inQuotes(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text.substr(0, 96)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out + (text.size() > 96 ? "...\"" : "\"");
}

std::string shortText(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    utf8proc_int32_t codepoint;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &codepoint);
    const std::string_view piece = length > 0 ? text.substr(0, static_cast<std::size_t>(length)) : std::string_view("\xEF\xBF\xBD");
    if (out.size() + piece.size() > limit) return out + "\xE2\x80\xA6";
    out += piece;
    text.remove_prefix(length > 0 ? static_cast<std::size_t>(length) : 1);
  }
  return out;
}

}  // namespace ts
