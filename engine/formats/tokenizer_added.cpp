// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_added.h"

#include "engine/formats/tokenizer_regex.h"
#include "engine/formats/tokenizer_utf8.h"

namespace ts {

namespace {

bool matchesWhole(const Regex& regex, std::string_view text, Range& range) {
  std::vector<Range> found;
  regex.matches(text, found);
  if (found.empty()) return false;
  range = found.front();
  return true;
}

// Bytes of white space at the end, at the start.
std::size_t trailingSpace(std::string_view text) {
  static const Regex regex = Regex::known(R"(\s+\z)");
  Range r;
  return matchesWhole(regex, text, r) ? static_cast<std::size_t>(r.size()) : 0;
}
std::size_t leadingSpace(std::string_view text) {
  static const Regex regex = Regex::known(R"(\A\s+)");
  Range r;
  return matchesWhole(regex, text, r) ? static_cast<std::size_t>(r.size()) : 0;
}
bool endsInWord(std::string_view text) {
  static const Regex regex = Regex::known(R"(\w\z)");
  Range r;
  return matchesWhole(regex, text, r);
}
bool beginsWithWord(std::string_view text) {
  static const Regex regex = Regex::known(R"(\A\w)");
  Range r;
  return matchesWhole(regex, text, r);
}

}  // namespace

void AddedTokens::add(AddedToken token) {
  // A token of broken bytes (only GGUF can spell one) would cut characters in two, and the expressions that go over what is
  // left trust it to be UTF-8.
  if (token.content.empty() || !isUtf8(token.content)) return;
  trie_.insert(token.content, static_cast<int>(tokens_.size()));
  tokens_.push_back(std::move(token));
}

void AddedTokens::split(std::string_view text, bool special, std::vector<Piece>& out) const {
  std::size_t done = 0;  // everything before is in `out`
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    int found = -1;
    trie_.prefixes(text.substr(at), [&](std::size_t n, int value) { length = n, found = value; });
    if (found < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(found)];
    std::size_t begin = at, end = at + length;
    at = end;
    if (token.special && !special) continue;
    if (token.singleWord && (endsInWord(text.substr(0, begin)) || beginsWithWord(text.substr(end)))) continue;
    if (token.leftStrip) begin -= trailingSpace(text.substr(done, begin - done));
    if (token.rightStrip) end += leadingSpace(text.substr(end));
    if (begin > done) out.push_back({-1, text.substr(done, begin - done)});
    out.push_back({token.id, text.substr(begin, end - begin)});
    at = done = end;
  }
  if (done < text.size()) out.push_back({-1, text.substr(done)});
}

}  // namespace ts
