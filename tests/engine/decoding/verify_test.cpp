// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/verifiers/verify.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

namespace ts {
namespace {

using testing::ElementsAre;

/// A target and a drafter over four tokens whose distributions depend on the previous token only.
constexpr int kTokens = 4;
const double kTarget[kTokens][kTokens] = {{.1, .2, .3, .4}, {.7, .1, .1, .1}, {.25, .25, .25, .25}, {0, .5, .5, 0}};
const double kDraft[kTokens][kTokens] = {{.4, .3, .2, .1}, {.1, .1, .1, .7}, {.25, .25, .25, .25}, {.6, .2, .1, .1}};

/// The target's side of a verification of `tree`.
struct Toy {
  const DraftTree& tree;
  Candidates candidates;
  std::vector<double> p;
  DistributionAfter after() {
    return [this](int node, const Candidates*& c, std::vector<double>*& probabilities) -> Result<void> {
      const int last = tree.tokens[static_cast<std::size_t>(node)];
      candidates.items.clear();
      p.clear();
      for (int t = 0; t < kTokens; ++t)
        if (kTarget[last][t] > 0) candidates.items.push_back({t, 0.0f}), p.push_back(kTarget[last][t]);
      c = &candidates;
      probabilities = &p;
      return {};
    };
  }
};

std::vector<TokenProbability> draftOf(int last) {
  std::vector<TokenProbability> q;
  for (int t = 0; t < kTokens; ++t)
    if (kDraft[last][t] > 0) q.push_back({t, kDraft[last][t]});
  return q;
}
int drawOf(const double (&row)[kTokens], std::mt19937_64& random) {
  return static_cast<int>(draw(row, random));
}

/// Upper 0.1 % points of chi-square by degrees of freedom, by Wilson and Hilferty's approximation.
double chiSquareLimit(int freedom) {
  const double k = freedom, z = 3.0902, h = 2.0 / (9.0 * k);
  return k * std::pow(1 - h + z * std::sqrt(h), 3);
}

/// Counts of the first two tokens that come out after token 0, against p(a | 0) p(b | a).
template <class MakeDraft>
double chiSquareOfPairs(MakeDraft&& makeDraft, int& freedom) {
  constexpr int kRuns = 40000;
  std::map<std::pair<int, int>, int> seen;
  std::mt19937_64 random(2024);
  RejectionVerifier verifier;
  Verdict verdict;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<int> out;
    int root = 0;
    while (out.size() < 2) {
      Draft draft;
      draft.add(root, -1);  // node 0: chosen before
      makeDraft(root, draft, random);
      Toy toy{draft.tree, {}, {}};
      std::vector<int> joined;
      EXPECT_TRUE(verifier.verify(
          draft.tree, draft.distributions, toy.after(), [&](int t) { joined.push_back(t); }, random, verdict));
      EXPECT_EQ(joined.size(), verdict.path.size());
      EXPECT_EQ(joined.back(), verdict.next);
      out.insert(out.end(), joined.begin(), joined.end());
      root = out.back();
    }
    ++seen[{out[0], out[1]}];
  }
  double chi = 0;
  int cells = 0;
  for (int a = 0; a < kTokens; ++a)
    for (int b = 0; b < kTokens; ++b) {
      const double expected = kRuns * kTarget[0][a] * kTarget[a][b];
      if (expected == 0) {
        EXPECT_EQ((seen[{a, b}]), 0) << a << " " << b;
        continue;
      }
      chi += std::pow(seen[{a, b}] - expected, 2) / expected;
      ++cells;
    }
  freedom = cells - 1;
  return chi;
}

TEST(Rejection, AChainDrawnFromAnotherDistributionComesOutAsTheTargets) {
  int freedom = 0;
  const double chi = chiSquareOfPairs(
      [](int root, Draft& draft, auto& random) {
        for (int last = root, i = 0; i < 3; ++i) {
          last = drawOf(kDraft[last], random);
          const int previous = draft.tree.tokens.back();
          draft.add(last, i);
          draft.distributions.back() = draftOf(previous);
        }
      },
      freedom);
  EXPECT_LT(chi, chiSquareLimit(freedom));
}

TEST(Rejection, SureGuessesComeOutAsTheTargets) {
  int freedom = 0;
  const double chi = chiSquareOfPairs(
      [](int root, Draft& draft, auto&) {
        draft.add((root + 1) % kTokens, 0);
        draft.add((root + 2) % kTokens, 1);
      },
      freedom);
  EXPECT_LT(chi, chiSquareLimit(freedom));
}

TEST(Rejection, ATreeOfIndependentDrawsComesOutAsTheTargets) {
  int freedom = 0;
  const double chi = chiSquareOfPairs(
      [](int root, Draft& draft, auto& random) {
        for (int child = 0; child < 2; ++child) {
          const int token = drawOf(kDraft[root], random);
          const int node = static_cast<int>(draft.size());
          draft.add(token, 0);
          draft.distributions.back() = draftOf(root);
          draft.add(drawOf(kDraft[token], random), node);
          draft.distributions.back() = draftOf(token);
        }
        draft.add(1, 0);  // and a sure guess beside them
      },
      freedom);
  EXPECT_LT(chi, chiSquareLimit(freedom));
}

TEST(Rejection, TheSameDistributionIsAlwaysAccepted) {
  std::mt19937_64 random(1);
  RejectionVerifier verifier;
  Verdict verdict;
  for (int run = 0; run < 1000; ++run) {
    Draft draft;
    draft.add(0, -1);
    draft.add(drawOf(kTarget[0], random), 0);
    for (int t = 0; t < kTokens; ++t) draft.distributions.back().push_back({t, kTarget[0][t]});
    Toy toy{draft.tree, {}, {}};
    ASSERT_TRUE(verifier.verify(
        draft.tree, draft.distributions, toy.after(), [](int) {}, random, verdict));
    ASSERT_THAT(verdict.path, ElementsAre(0, 1));
  }
}

TEST(Rejection, AcceptsAsOftenAsTheDistributionsOverlap) {
  double overlap = 0;
  for (int t = 0; t < kTokens; ++t) overlap += std::min(kTarget[0][t], kDraft[0][t]);
  std::mt19937_64 random(5);
  RejectionVerifier verifier;
  Verdict verdict;
  int accepted = 0;
  constexpr int kRuns = 20000;
  for (int run = 0; run < kRuns; ++run) {
    Draft draft;
    draft.add(0, -1);
    draft.add(drawOf(kDraft[0], random), 0);
    draft.distributions.back() = draftOf(0);
    Toy toy{draft.tree, {}, {}};
    ASSERT_TRUE(verifier.verify(
        draft.tree, draft.distributions, toy.after(), [](int) {}, random, verdict));
    accepted += static_cast<int>(verdict.path.size()) - 1;
  }
  EXPECT_NEAR(static_cast<double>(accepted) / kRuns, overlap, 4 * std::sqrt(overlap * (1 - overlap) / kRuns));
}

TEST(Exact, FollowsTheTargetsChoicesDownTheTree) {
  // 0 -> 1 (token 5) -> 3 (token 7)
  //   -> 2 (token 6) -> 4 (token 8)
  const DraftTree tree{{9, 5, 6, 7, 8}, {-1, 0, 0, 1, 2}};
  const std::map<int, int> choices{{0, 6}, {2, 8}, {4, 3}, {1, 1}, {3, 1}};
  std::vector<int> joined;
  Verdict verdict;
  ASSERT_TRUE(verifyExact(
      tree, [&](int node) -> Result<int> { return choices.at(node); }, [&](int t) { joined.push_back(t); }, verdict));
  EXPECT_THAT(verdict.path, ElementsAre(0, 2, 4));
  EXPECT_THAT(joined, ElementsAre(6, 8, 3));
  EXPECT_EQ(verdict.next, 3);
}

TEST(Exact, AWrongGuessCostsNothingButItself) {
  const DraftTree tree{{9, 5, 6}, {-1, 0, 1}};
  Verdict verdict;
  ASSERT_TRUE(verifyExact(
      tree, [](int) -> Result<int> { return 4; }, [](int) {}, verdict));
  EXPECT_THAT(verdict.path, ElementsAre(0));
  EXPECT_EQ(verdict.next, 4);
}

TEST(ArgMax, TakesTheLowestIdAmongEquals) {
  std::mt19937_64 random(11);
  for (int run = 0; run < 300; ++run) {
    std::vector<float> row(1 + random() % 40);
    for (float& z : row) z = static_cast<float>(random() % 5);
    const auto expected = std::max_element(row.begin(), row.end()) - row.begin();
    EXPECT_EQ(argMax(row).value(), expected);
  }
}

TEST(ArgMax, OverlooksWhatIsNotANumberAndSaysWhenNothingIs) {
  EXPECT_EQ(argMax(std::vector<float>{NAN, -3.0f, NAN, -2.0f, -INFINITY}).value(), 3);
  EXPECT_FALSE(argMax(std::vector<float>{NAN, NAN}));
  EXPECT_FALSE(argMax(std::vector<float>{-INFINITY, INFINITY}));
}

TEST(Choice, DrawsWithTheFilteredProbabilities) {
  const std::vector<float> row{std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  FilterChain none;
  Choice choice;
  std::mt19937_64 random(9);
  int counts[3] = {};
  for (int i = 0; i < 20000; ++i) ++counts[choice.drawn(row, none, random).value()];
  EXPECT_NEAR(counts[0] / 20000.0, 0.5, 0.015);
  EXPECT_NEAR(counts[1] / 20000.0, 0.3, 0.015);
}

}  // namespace
}  // namespace ts
