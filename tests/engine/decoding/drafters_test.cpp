// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>

#include "engine/decoding/decoder.h"

namespace ts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// What `ngram` proposes after `tokens`, the last of which is chosen but not yet run.
std::vector<int> proposed(const std::string& spec, std::vector<int> tokens, std::int64_t limit) {
  auto drafter = registry().make<Drafter>(Family::Drafter, parseStrategy(spec, "drafter").value()).value();
  const int next = tokens.back();
  tokens.pop_back();
  EXPECT_TRUE(drafter->begin(std::span(tokens).first(tokens.size() / 2)));
  EXPECT_TRUE(drafter->accepted(tokens));
  FilterChain chain;
  std::mt19937_64 random;
  Draft draft;
  EXPECT_TRUE(
      drafter->propose({.committed = tokens, .next = next, .limit = limit, .chain = chain, .random = random}, draft));
  for (std::size_t i = 0; i < draft.size(); ++i) EXPECT_EQ(draft.tree.parents[i], static_cast<int>(i) - 1);
  for (const auto& q : draft.distributions) EXPECT_TRUE(q.empty()) << "a sure guess";
  return draft.tree.tokens;
}

TEST(Ngram, ContinuesTheMostRecentOccurrenceOfTheLongestSuffix) {
  EXPECT_THAT(proposed("ngram:max=3", {1, 2, 3, 4, 9, 2, 3, 5, 6, 7, 1, 2, 3}, 2), ElementsAre(4, 9))
      << "three tokens beat two";
  EXPECT_THAT(proposed("ngram:max=2", {1, 2, 3, 4, 9, 2, 3, 5, 6, 7, 1, 2, 3}, 2), ElementsAre(5, 6))
      << "the later of equals";
}

TEST(Ngram, ContinuesALoopAndNeverPassesTheLimit) {
  EXPECT_THAT(proposed("ngram", {7, 7, 7}, 4), ElementsAre(7, 7, 7, 7));
  EXPECT_THAT(proposed("ngram", {1, 2, 1, 2, 1, 2}, 4), ElementsAre(1, 2, 1, 2));
  EXPECT_THAT(proposed("ngram", {1, 2, 3, 4, 5, 6, 1}, 3), ElementsAre(2, 3, 4));
}

TEST(Ngram, SaysNothingWhenNothingRepeats) {
  EXPECT_THAT(proposed("ngram", {1, 2, 3, 4}, 4), IsEmpty());
  EXPECT_THAT(proposed("ngram", {1}, 4), IsEmpty());
  EXPECT_THAT(proposed("ngram:min=2", {5, 1, 6, 1}, 4), IsEmpty());
}

TEST(Ngram, AgreesWithBruteForce) {
  std::mt19937_64 random(17);
  for (int run = 0; run < 500; ++run) {
    std::vector<int> tokens(2 + random() % 40);
    for (int& t : tokens) t = static_cast<int>(random() % 4);
    std::vector<int> expected;
    const int size = static_cast<int>(tokens.size());
    for (int n = 3; n >= 1 && expected.empty(); --n)
      for (int end = size - 1; end >= n && expected.empty(); --end)
        if (n <= size - 1 && std::equal(tokens.end() - n, tokens.end(), tokens.begin() + end - n))
          for (int i = end; i < end + 4; ++i)
            expected.push_back(i < size ? tokens[static_cast<std::size_t>(i)]
                                        : expected[static_cast<std::size_t>(i - size)]);
    EXPECT_EQ(proposed("ngram", tokens, 4), expected);
  }
}

TEST(Ngram, RefusesAShortestAboveTheLongest) {
  EXPECT_FALSE(
      registry().make<Drafter>(Family::Drafter, {"ngram", {{"min", std::int64_t{4}}, {"max", std::int64_t{2}}}}));
}

}  // namespace
}  // namespace ts
