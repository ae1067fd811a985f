// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>

#include "engine/decoding/search.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

std::size_t chosen(const std::string& spec, const std::vector<SearchCandidate>& candidates,
                   std::map<std::string, double>* counts = nullptr) {
  std::map<std::string, double> local;
  const auto search = registry().make<Search>(Family::Search, parseStrategy(spec, "--search").value()).value();
  return search->choose(candidates, counts ? *counts : local);
}

TEST(BestOf, JudgesByTheMeanOrTheSumOfLogProbabilities) {
  const std::vector<SearchCandidate> c{{{1, 2, 3}, "abc", {-1, -1, -1}}, {{1}, "a", {-2}}, {{4, 5}, "de", {-3, -3}}};
  EXPECT_EQ(chosen("best-of", c), 0u);
  EXPECT_EQ(chosen("best-of:score=sum", c), 1u);
}

TEST(SelfConsistency, TheAnswerWithMostVotesWinsWithItsLikeliestText) {
  const std::vector<SearchCandidate> c{
      {{1}, "so it is\n 12", {-0.1}}, {{2}, "thus\n7 ", {-3}}, {{3}, "hence\n7\n", {-2}}};
  std::map<std::string, double> counts;
  EXPECT_EQ(chosen("self-consistency", c, &counts), 2u);
  EXPECT_EQ(counts.at("search.votes"), 2);
  EXPECT_EQ(counts.at("search.answers"), 2);
  EXPECT_EQ(chosen("self-consistency:answer=whole", c), 0u) << "all differ: the likeliest";
}

TEST(SelfConsistency, ReadsTheLastNumberAsANumber) {
  const std::vector<SearchCandidate> c{{{1}, "1,234.50 euro", {-3}},
                                       {{2}, "it costs 1234.5.", {-2}},
                                       {{3}, "-12", {-1}},
                                       {{4}, "12", {-1}},
                                       {{5}, "none", {-1}}};
  std::map<std::string, double> counts;
  EXPECT_EQ(chosen("self-consistency:answer=last-number", c, &counts), 1u);
  EXPECT_EQ(counts.at("search.answers"), 4);
}

TEST(SelfConsistency, ProbabilityCountsEachDistinctTextOnce) {
  const std::vector<SearchCandidate> c{{{1}, "A", {-2}}, {{1}, "A", {-2}}, {{1}, "A", {-2}}, {{2}, "B", {-1.5}}};
  EXPECT_EQ(chosen("self-consistency", c), 0u);
  EXPECT_EQ(chosen("self-consistency:weight=probability", c), 3u);
}

}  // namespace
}  // namespace ts
