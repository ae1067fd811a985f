// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_split.h"

#include "engine/formats/tokenizer_normalize.h"

namespace ts {

namespace {

struct Part {
  Range range;
  bool match = false;
};

// Joins parts as the behaviour says and appends them to `out`.
void emit(std::string_view text, const std::vector<Part>& parts, SplitBehavior behavior, std::vector<std::string_view>& out) {
  const auto view = [&](const Range& r) {
    return text.substr(static_cast<std::size_t>(r.begin), static_cast<std::size_t>(r.size()));
  };
  switch (behavior) {
    case SplitBehavior::Isolated:
      for (const Part& p : parts) out.push_back(view(p.range));
      return;
    case SplitBehavior::Removed:
      for (const Part& p : parts)
        if (!p.match) out.push_back(view(p.range));
      return;
    case SplitBehavior::Contiguous:
    case SplitBehavior::MergedWithPrevious: {
      const std::size_t first = out.size();
      bool previous = false;
      for (const Part& p : parts) {
        const bool join = behavior == SplitBehavior::Contiguous ? p.match == previous : p.match && !previous;
        if (join && out.size() > first)
          out.back() = {out.back().data(), out.back().size() + static_cast<std::size_t>(p.range.size())};
        else
          out.push_back(view(p.range));
        previous = p.match;
      }
      return;
    }
    case SplitBehavior::MergedWithNext:
      for (std::size_t i = 0; i < parts.size(); ++i) {
        Range r = parts[i].range;
        if (parts[i].match && i + 1 < parts.size() && !parts[i + 1].match) r.end = parts[++i].range.end;
        out.push_back(view(r));
      }
      return;
  }
}

}  // namespace

SplitStep splitByPattern(Regex pattern, SplitBehavior behavior, bool invert) {
  return [pattern = std::move(pattern), behavior, invert](Words& words) {
    std::vector<std::string_view> out;
    std::vector<Range> matches;
    std::vector<Part> parts;
    out.reserve(words.items.size());
    for (const std::string_view word : words.items) {
      pattern.matches(word, matches);
      parts.clear();
      std::int64_t done = 0;
      for (const Range& m : matches) {
        if (m.begin > done) parts.push_back({{done, m.begin}, invert});
        parts.push_back({m, !invert});
        done = m.end;
      }
      if (done < static_cast<std::int64_t>(word.size())) parts.push_back({{done, static_cast<std::int64_t>(word.size())}, invert});
      emit(word, parts, behavior, out);
    }
    words.items = std::move(out);
  };
}

SplitStep prefixSpace() {
  return [](Words& words) {
    for (std::string_view& word : words.items)
      if (!word.starts_with(' ')) word = words.arena.emplace_back(1, ' ').append(word);
  };
}

SplitStep metaspace(std::string replacement, MetaspacePrefix prefix, bool split) {
  return [=](Words& words) {
    std::vector<std::string_view> out;
    const Normalizer replace = replaceText(" ", replacement);
    for (std::size_t i = 0; i < words.items.size(); ++i) {
      std::string text = replace(std::string(words.items[i]));
      const bool wanted = prefix == MetaspacePrefix::Always || (prefix == MetaspacePrefix::First && words.atStart && i == 0);
      if (wanted && !text.starts_with(replacement)) text.insert(0, replacement);
      const std::string_view whole = words.arena.emplace_back(std::move(text));
      if (!split) {
        out.push_back(whole);
        continue;
      }
      std::size_t begin = 0;
      for (std::size_t at = whole.find(replacement, 1); at != std::string_view::npos; at = whole.find(replacement, at + 1)) {
        out.push_back(whole.substr(begin, at - begin));
        begin = at;
      }
      out.push_back(whole.substr(begin));
    }
    words.items = std::move(out);
  };
}

}  // namespace ts
