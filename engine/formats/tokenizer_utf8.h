// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ts {

/// Bytes of the well-formed UTF-8 character at the start of `text` (no surrogates, no overlong forms), 0 if there is none.
std::size_t utf8Length(std::string_view text);

/// Bytes the character needs that `lead` begins; 1 for ASCII and for bytes that begin none.
std::size_t utf8Expected(unsigned char lead);

/// The code point of the well-formed character at the start of `text`.
char32_t utf8Decode(std::string_view text);
void utf8Append(std::string& out, char32_t point);

/// The text itself, or with every maximal ill-formed run of bytes replaced by U+FFFD, as Python's errors="replace" does.
std::string repairUtf8(std::string_view text);
bool isUtf8(std::string_view text);

}  // namespace ts
