// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_utf8.h"

#include <algorithm>

#include "engine/formats/tokenizer.h"

namespace ts {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How many bytes at the start of `text` could still become one character (Unicode 15, table 3-7); 0: none.
std::size_t wellFormedPrefix(std::string_view text, std::size_t& expected) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  unsigned char low = 0x80, high = 0xBF;
  if (lead < 0x80) {
    expected = 1;
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    expected = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    expected = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    expected = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    expected = 1;
    return 0;
  }
  std::size_t n = 1;
  while (n < expected && n < text.size() && at(n) >= low && at(n) <= high) {
    low = 0x80, high = 0xBF;
    ++n;
  }
  return n;
}

}  // namespace

std::size_t utf8Expected(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 1;
}

std::size_t utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  std::size_t expected = 0;
  const std::size_t n = wellFormedPrefix(text, expected);
  return n == expected ? n : 0;
}

char32_t utf8Decode(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  switch (utf8Length(text)) {
    case 1: return at(0);
    case 2: return (at(0) & 0x1F) << 6 | (at(1) & 0x3F);
    case 3: return (at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F);
    case 4: return (at(0) & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F);
    default: return 0xFFFD;
  }
}

void utf8Append(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool isUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8Length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string repairUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t expected = 0;
    const std::size_t n = wellFormedPrefix(text, expected);
    if (n == expected)
      out += text.substr(0, n);
    else
      out += kReplacement;
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  // Only an unfinished character at the very end waits; broken bytes before it can never become whole.
  std::size_t end = held_.size();
  for (std::size_t back = 1; back <= 3 && back <= held_.size(); ++back) {
    const std::string_view tail = std::string_view(held_).substr(held_.size() - back);
    std::size_t expected = 0;
    const std::size_t n = wellFormedPrefix(tail, expected);
    if (n == tail.size() && n < expected) {
      end = held_.size() - back;
      break;
    }
  }
  std::string out = repairUtf8(std::string_view(held_).substr(0, end));
  held_.erase(0, end);
  return out;
}

std::string Utf8Stream::finish() {
  std::string out = repairUtf8(held_);
  held_.clear();
  return out;
}

}  // namespace ts
