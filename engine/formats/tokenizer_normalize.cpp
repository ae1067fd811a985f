// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "engine/formats/tokenizer_utf8.h"

namespace ts {

namespace {

bool isAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string mapped(const std::string& text, utf8proc_option_t options) {
  utf8proc_uint8_t* out = nullptr;
  const auto n = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                              static_cast<utf8proc_ssize_t>(text.size()), &out, options);
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(out, std::free);
  return n < 0 ? text : std::string(reinterpret_cast<const char*>(out), static_cast<std::size_t>(n));
}

// White space by Unicode's property, of the character at `text`.
bool isSpace(char32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

}  // namespace

Normalizer normalizeUnicode(UnicodeForm form) {
  int options = UTF8PROC_STABLE;
  options |= form == UnicodeForm::C || form == UnicodeForm::KC ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == UnicodeForm::KC || form == UnicodeForm::KD) options |= UTF8PROC_COMPAT;
  return [options](std::string text) {
    return isAscii(text) ? std::move(text) : mapped(text, static_cast<utf8proc_option_t>(options));
  };
}

Normalizer lowercase() {
  return [](std::string text) {
    std::string out;
    out.reserve(text.size());
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t n = std::max<std::size_t>(utf8Length(rest), 1);
      const char32_t c = utf8Decode(rest);
      utf8Append(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
      if (c == 0x130) utf8Append(out, 0x307);  // the one letter whose small form is two characters
      rest.remove_prefix(n);
    }
    return out;
  };
}

Normalizer prepend(std::string prefix) {
  return [prefix = std::move(prefix)](std::string text) { return text.empty() ? std::move(text) : prefix + text; };
}

Normalizer replaceText(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](std::string text) {
    std::size_t found = from.empty() ? std::string::npos : text.find(from);
    if (found == std::string::npos) return text;
    std::string out;
    std::size_t done = 0;
    for (; found != std::string::npos; found = text.find(from, done)) {
      out.append(text, done, found - done).append(to);
      done = found + from.size();
    }
    return out.append(text, done);
  };
}

Normalizer replaceMatches(Regex pattern, std::string to) {
  return [pattern = std::move(pattern), to = std::move(to)](std::string text) {
    std::vector<Range> matches;
    pattern.matches(text, matches);
    std::string out;
    std::size_t done = 0;
    for (const Range& m : matches) {
      out.append(text, done, static_cast<std::size_t>(m.begin) - done).append(to);
      done = static_cast<std::size_t>(m.end);
    }
    return out.append(text, done);
  };
}

Normalizer strip(bool left, bool right) {
  return [=](std::string text) {
    std::size_t first = text.size(), last = 0;
    for (std::size_t i = 0; i < text.size();) {
      const std::string_view rest = std::string_view(text).substr(i);
      const std::size_t n = std::max<std::size_t>(utf8Length(rest), 1);
      if (!isSpace(utf8Decode(rest))) {
        first = std::min(first, i);
        last = i + n;
      }
      i += n;
    }
    const std::size_t begin = left ? first : 0, end = right ? std::max(last, begin) : text.size();
    return text.substr(begin, end - begin);
  };
}

Normalizer collapseSpaces() {
  return [](std::string text) {
    std::string out;
    for (const char c : text)
      if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
  };
}

Result<Normalizer> precompiledCharsmap(std::string blob, std::string_view where) {
  std::uint32_t trieBytes = 0;
  if (blob.size() >= 4) std::memcpy(&trieBytes, blob.data(), 4);
  if (blob.size() < 4 || trieBytes % 4 != 0 || trieBytes > blob.size() - 4)
    return fail("precompiled_charsmap is cut short: a trie of " + std::to_string(trieBytes) + " bytes in a blob of " +
                    std::to_string(blob.size()),
                std::string(where));
  struct Map {
    std::vector<std::uint32_t> units;
    std::string texts;
  };
  auto map = std::make_shared<Map>();
  map->units.resize(trieBytes / 4);
  std::memcpy(map->units.data(), blob.data() + 4, trieBytes);
  map->texts = blob.substr(4 + trieBytes);
  // The longest key at the start of `text`: its bytes and its replacement (Darts-clone's unit layout).
  const auto longest = [map](std::string_view text) -> std::pair<std::size_t, std::string_view> {
    const auto& units = map->units;
    const auto offset = [](std::uint32_t u) { return (u >> 10) << ((u & (1u << 9)) >> 6); };
    std::pair<std::size_t, std::string_view> best{0, {}};
    if (units.empty()) return best;
    std::size_t node = offset(units[0]);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte == 0) break;
      node ^= byte;
      if (node >= units.size() || (units[node] & ((1u << 31) | 0xFF)) != byte) break;
      const std::uint32_t unit = units[node];
      node ^= offset(unit);
      if (unit >> 8 & 1) {
        if (node >= units.size()) break;
        const std::size_t at = units[node] & ((1u << 31) - 1);
        if (at >= map->texts.size()) break;
        best = {i + 1, std::string_view(map->texts).substr(at, map->texts.find('\0', at) - at)};
      }
    }
    return best;
  };
  return Normalizer([longest](std::string text) {
    std::string out;
    out.reserve(text.size());
    for (std::string_view rest = text; !rest.empty();) {
      const auto [n, replacement] = longest(rest);
      if (n > 0) {
        out += replacement;
        rest.remove_prefix(n);
      } else {
        const std::size_t keep = std::max<std::size_t>(utf8Length(rest), 1);
        out += rest.substr(0, keep);
        rest.remove_prefix(keep);
      }
    }
    // A broken map may cut characters in two; what comes after trusts texts to be UTF-8.
    return isUtf8(out) ? std::move(out) : repairUtf8(out);
  });
}

}  // namespace ts
