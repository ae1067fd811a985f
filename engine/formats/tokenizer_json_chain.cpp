// SPDX-License-Identifier: GPL-3.0-or-later
// The normalizer and pre_tokenizer sections of tokenizer.json, as huggingface/tokenizers defines them.
#include <array>

#include "engine/formats/tokenizer_json.h"

namespace ts {
using nlohmann::json;

namespace {

constexpr int kDeepest = 16;  // sequences within sequences

Result<Regex> readPattern(const json& node, std::string_view where) {
  const json* pattern = member(node, "pattern");
  if (pattern && pattern->is_object()) {
    if (const json* regex = member(*pattern, "Regex"); regex && regex->is_string())
      return Regex::compile(regex->get_ref<const std::string&>(), where);
    if (const json* text = member(*pattern, "String"); text && text->is_string()) {
      std::string quoted;
      for (const char c : text->get_ref<const std::string&>()) {
        if (static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c))) quoted += '\\';
        quoted += c;
      }
      return Regex::compile(quoted, where);
    }
  }
  return fail("a split or replacement needs \"pattern\": {\"Regex\": ...} or {\"String\": ...}", std::string(where));
}

Result<SplitBehavior> readBehavior(const json& node, SplitBehavior fallback, std::string_view where) {
  constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> names = {{
      {"Isolated", SplitBehavior::Isolated}, {"Removed", SplitBehavior::Removed},
      {"MergedWithPrevious", SplitBehavior::MergedWithPrevious}, {"MergedWithNext", SplitBehavior::MergedWithNext},
      {"Contiguous", SplitBehavior::Contiguous},
  }};
  TS_TRY(const std::string name, textMember(node, "behavior", "", where));
  if (name.empty()) return fallback;
  for (const auto& [known, behavior] : names)
    if (known == name) return behavior;
  return fail("unknown split behavior \"" + name + "\"; known: Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous",
              std::string(where));
}

template <class Read>
Result<void> readSequence(const json& node, const char* name, std::string_view where, int depth, Read&& read) {
  const json* list = member(node, name);
  if (!list || !list->is_array()) return fail(std::string("a Sequence needs the array \"") + name + "\"", std::string(where));
  if (depth >= kDeepest) return fail("Sequences are nested more than " + std::to_string(kDeepest) + " deep", std::string(where));
  for (const json& step : *list) TS_CHECK(read(step));
  return {};
}

std::string decodeBase64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+') value = 62;
    if (c == '/') value = 63;
    if (value < 0) continue;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return out;
}

}  // namespace

Result<void> readNormalizer(const json& node, std::string_view where, std::vector<Normalizer>& out, int depth) {
  if (node.is_null()) return {};
  TS_TRY(const std::string type, textMember(node, "type", "", where));
  if (type == "Sequence") {
    return readSequence(node, "normalizers", where, depth,
                        [&](const json& step) { return readNormalizer(step, where, out, depth + 1); });
  }
  if (type == "NFC") {
    out.push_back(normalizeUnicode(UnicodeForm::C));
  } else if (type == "NFD") {
    out.push_back(normalizeUnicode(UnicodeForm::D));
  } else if (type == "NFKC") {
    out.push_back(normalizeUnicode(UnicodeForm::KC));
  } else if (type == "NFKD") {
    out.push_back(normalizeUnicode(UnicodeForm::KD));
  } else if (type == "Lowercase") {
    out.push_back(lowercase());
  } else if (type == "StripAccents") {
    out.push_back(replaceMatches(Regex::known(R"(\p{Mn}+)"), ""));
  } else if (type == "Strip") {
    TS_TRY(const bool left, boolMember(node, "strip_left", true, where));
    TS_TRY(const bool right, boolMember(node, "strip_right", true, where));
    out.push_back(strip(left, right));
  } else if (type == "Prepend") {
    TS_TRY(std::string prefix, textMember(node, "prepend", "", where));
    out.push_back(prepend(std::move(prefix)));
  } else if (type == "Replace") {
    TS_TRY(std::string content, textMember(node, "content", "", where));
    TS_TRY(Regex pattern, readPattern(node, where));
    out.push_back(replaceMatches(std::move(pattern), std::move(content)));
  } else if (type == "Precompiled") {
    TS_TRY(const std::string blob, textMember(node, "precompiled_charsmap", "", where));
    if (blob.empty()) return {};
    TS_TRY(Normalizer map, precompiledCharsmap(decodeBase64(blob), where));
    out.push_back(std::move(map));
  } else {
    return fail(ErrorKind::Unsupported,
                "the tokenizer's normalizer \"" + type +
                    "\" is not supported; supported: NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, "
                    "Precompiled, Sequence",
                std::string(where));
  }
  return {};
}

Result<void> readPreTokenizer(const json& node, std::string_view where, SplitChain& out, int depth) {
  if (node.is_null()) return {};
  TS_TRY(const std::string type, textMember(node, "type", "", where));
  if (type == "Sequence") {
    return readSequence(node, "pretokenizers", where, depth,
                        [&](const json& step) { return readPreTokenizer(step, where, out, depth + 1); });
  }
  const auto pattern = [&](std::string_view text, SplitBehavior behavior, bool invert = false) {
    out.steps.push_back(splitByPattern(Regex::known(text), behavior, invert));
  };
  if (type == "ByteLevel") {
    TS_TRY(const bool space, boolMember(node, "add_prefix_space", true, where));
    TS_TRY(const bool regex, boolMember(node, "use_regex", true, where));
    out.byteLevel = true;
    if (space) out.steps.push_back(prefixSpace());
    if (regex) pattern(pattern::kGpt2, SplitBehavior::Isolated);
  } else if (type == "Split") {
    TS_TRY(Regex regex, readPattern(node, where));
    TS_TRY(const SplitBehavior behavior, readBehavior(node, SplitBehavior::Isolated, where));
    TS_TRY(const bool invert, boolMember(node, "invert", false, where));
    out.steps.push_back(splitByPattern(std::move(regex), behavior, invert));
  } else if (type == "Digits") {
    TS_TRY(const bool individual, boolMember(node, "individual_digits", false, where));
    pattern(individual ? R"(\p{N})" : R"(\p{N}+)", SplitBehavior::Isolated);
  } else if (type == "Punctuation") {
    TS_TRY(const SplitBehavior behavior, readBehavior(node, SplitBehavior::Isolated, where));
    pattern(R"([\p{P}$+<=>^`|~])", behavior);
  } else if (type == "Whitespace") {
    pattern(R"(\w+|[^\w\s]+)", SplitBehavior::Removed, true);
  } else if (type == "WhitespaceSplit") {
    pattern(R"(\s)", SplitBehavior::Removed);
  } else if (type == "Metaspace") {
    TS_TRY(const std::string replacement, textMember(node, "replacement", std::string(kMetaspace), where));
    TS_TRY(const bool legacy, boolMember(node, "add_prefix_space", true, where));
    TS_TRY(const std::string scheme, textMember(node, "prepend_scheme", legacy ? "always" : "never", where));
    TS_TRY(const bool split, boolMember(node, "split", true, where));
    if (replacement.empty()) return fail("a Metaspace step needs a \"replacement\"", std::string(where));
    const MetaspacePrefix prefix = scheme == "always"  ? MetaspacePrefix::Always
                                   : scheme == "first" ? MetaspacePrefix::First
                                                       : MetaspacePrefix::Never;
    out.spacePrefix |= prefix != MetaspacePrefix::Never;
    out.steps.push_back(metaspace(replacement, prefix, split));
  } else {
    return fail(ErrorKind::Unsupported,
                "the tokenizer's pre-tokenizer \"" + type +
                    "\" is not supported; supported: ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, "
                    "Metaspace, Sequence",
                std::string(where));
  }
  return {};
}

}  // namespace ts
