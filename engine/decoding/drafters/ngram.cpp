// SPDX-License-Identifier: GPL-3.0-or-later
// Prompt lookup: the longest suffix of the sequence so far, max down to min tokens, that occurred before; what followed
// its most recent occurrence is the draft. Costs no model pass; pays where text repeats (summaries, code, quotations).
// Sure guesses (q = 1). An occurrence may overlap the suffix, and a draft may run into itself (as in LZ77), so a
// loop is continued for as long as the limit allows.
// Source: Saxena, Prompt Lookup Decoding (2023), github.com/apoorvumang/prompt-lookup-decoding; there the first
// occurrence is taken, here the most recent one. Verified against a brute-force search
// (tests/engine/decoding/drafters_test.cpp).
#include <algorithm>
#include <vector>

#include "engine/decoding/decoder.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

class Ngram final : public Drafter {
 public:
  Ngram(std::size_t longest, std::size_t shortest) : longest_(longest), shortest_(shortest) {}

  Result<void> begin(std::span<const int> tokens) override {
    sequence_.assign(tokens.begin(), tokens.end());
    return {};
  }

  Result<void> propose(const DraftRequest& request, Draft& draft) override {
    sequence_.resize(std::min(sequence_.size(), request.committed.size()));
    sequence_.insert(sequence_.end(), request.committed.begin() + static_cast<std::ptrdiff_t>(sequence_.size()),
                     request.committed.end());
    sequence_.push_back(request.next);
    const std::size_t from = continuation(), size = sequence_.size();
    for (std::size_t i = from; from > 0 && static_cast<std::int64_t>(draft.size()) < request.limit; ++i)
      draft.add(i < size ? sequence_[i] : draft.tree.tokens[i - size], static_cast<int>(draft.size()) - 1);
    sequence_.pop_back();
    return {};
  }

  Result<void> accepted(std::span<const int>) override { return {}; }
  std::uint64_t bytes() const override { return sequence_.capacity() * sizeof(int); }

 private:
  /// Where the text after the best earlier occurrence of the suffix starts; 0: there is none. One walk backwards finds
  /// for each earlier end how much of the suffix matches there; the longest match wins, the most recent among equals.
  std::size_t continuation() const {
    const std::size_t size = sequence_.size();
    std::size_t best = 0, found = 0;
    for (std::size_t end = size - 1; end >= shortest_ && best < longest_; --end) {
      std::size_t match = 0;
      while (match < longest_ && match < end && sequence_[end - 1 - match] == sequence_[size - 1 - match]) ++match;
      if (match >= shortest_ && match > best) best = match, found = end;
    }
    return found;
  }

  std::size_t longest_, shortest_;
  std::vector<int> sequence_;  ///< committed tokens
};

const Registration registration(
    {.id = "ngram",
     .family = Family::Drafter,
     .title = "Prompt lookup (n-gram)",
     .help = "Guesses what followed the last time the most recent words occurred; needs no second model",
     .paper = "Saxena: Prompt Lookup Decoding, 2023",
     .parameters = {{.name = "max",
                     .type = ParameterType::Integer,
                     .fallback = std::int64_t{3},
                     .help = "Longest suffix looked up",
                     .unit = "tokens",
                     .minimum = 1,
                     .maximum = 16},
                    {.name = "min",
                     .type = ParameterType::Integer,
                     .fallback = std::int64_t{1},
                     .help = "Shortest suffix looked up",
                     .unit = "tokens",
                     .minimum = 1,
                     .maximum = 16}}},
    Make<Drafter>([](const Settings& s) -> Result<std::unique_ptr<Drafter>> {
      if (s.integer("min") > s.integer("max"))
        return fail("the shortest suffix (min=" + std::to_string(s.integer("min")) +
                        ") must not exceed the longest (max=" + std::to_string(s.integer("max")) + ")",
                    "drafter ngram");
      return std::make_unique<Ngram>(static_cast<std::size_t>(s.integer("max")),
                                     static_cast<std::size_t>(s.integer("min")));
    }));

}  // namespace
}  // namespace ts
