// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/core/result.h"
#include "engine/formats/tokenizer_regex.h"

namespace ts {

/// One step that rewrites a stretch of text (between added tokens) before it is split. Pure and thread-safe.
using Normalizer = std::function<std::string(std::string)>;

inline constexpr std::string_view kMetaspace = "\xE2\x96\x81";  ///< U+2581, SentencePiece's visible space

enum class UnicodeForm { C, D, KC, KD };
Normalizer normalizeUnicode(UnicodeForm form);
Normalizer lowercase();
Normalizer prepend(std::string prefix);                          ///< not to an empty text
Normalizer replaceText(std::string from, std::string to);
Normalizer replaceMatches(Regex pattern, std::string to);
Normalizer strip(bool left, bool right);
/// SentencePiece's remove_extra_whitespaces: no spaces at the ends, one between words.
Normalizer collapseSpaces();

/// SentencePiece's precompiled_charsmap (a Darts double array and its replacement texts): the longest key at each place
/// is replaced. Source: google/sentencepiece, src/normalizer.cc.
Result<Normalizer> precompiledCharsmap(std::string blob, std::string_view where);

}  // namespace ts
