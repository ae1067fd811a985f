// SPDX-License-Identifier: GPL-3.0-or-later
// Expected sets were computed in numpy (float64) with the formulas of Hugging Face transformers 5.23's logits
// processors; top-h "kept" and top-n-sigma with the papers' formulas.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

const std::vector<float> kRow{2.0f, -1.5f, 3.25f, 0.5f, 3.0f, -4.0f, 1.75f, 0.0f, 2.5f, -0.25f, 1.0f, 2.25f};

std::unique_ptr<LogitFilter> make(const std::string& text) {
  const auto spec = parseStrategy(text, "--sample");
  auto filter = registry().make<LogitFilter>(Family::Sampling, spec.value());
  return std::move(filter).value();
}

Candidates candidates(std::span<const float> row) {
  Candidates c;
  c.assign(row);
  return c;
}

std::vector<int> kept(const std::string& text, std::span<const float> row = kRow) {
  Candidates c = candidates(row);
  make(text)->apply(c);
  std::vector<int> ids;
  for (const Candidate& x : c.items) {
    ids.push_back(x.id);
    EXPECT_EQ(x.logit, row[static_cast<std::size_t>(x.id)]) << "a truncation must not change logits";
  }
  if (c.sorted) {
    EXPECT_TRUE(std::is_sorted(c.items.begin(), c.items.end(), [](auto& a, auto& b) { return a.logit > b.logit; }))
        << text;
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

struct Case {
  std::string filter;
  std::vector<int> kept;
};
class Truncation : public testing::TestWithParam<Case> {};

TEST_P(Truncation, KeepsWhatTheReferenceKeeps) {
  EXPECT_THAT(kept(GetParam().filter), ElementsAreArray(GetParam().kept));
}

INSTANTIATE_TEST_SUITE_P(
    Filters, Truncation,
    testing::Values(
        Case{"top-k:k=1", {2}}, Case{"top-k:k=3", {2, 4, 8}}, Case{"top-k:k=5", {0, 2, 4, 8, 11}},
        Case{"top-k:k=50", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}, Case{"top-p:p=0", {2}}, Case{"top-p:p=0.3", {2, 4}},
        Case{"top-p:p=0.75", {2, 4, 8, 11}}, Case{"top-p:p=0.9", {0, 2, 4, 6, 8, 11}},
        Case{"top-p:p=0.99", {0, 2, 3, 4, 6, 7, 8, 9, 10, 11}}, Case{"min-p:p=0.05", {0, 2, 3, 4, 6, 8, 10, 11}},
        Case{"min-p:p=0.2", {0, 2, 4, 6, 8, 11}}, Case{"min-p:p=0.9", {2}}, Case{"typical:p=0.2", {8, 11}},
        Case{"typical:p=0.5", {0, 4, 8, 11}}, Case{"typical:p=0.9", {0, 2, 4, 6, 8, 11}}, Case{"top-h:alpha=0.1", {2}},
        Case{"top-h:alpha=0.4", {2, 4}}, Case{"top-h:alpha=0.6", {2, 4, 8}}, Case{"top-h:alpha=0.8", {0, 2, 4, 8, 11}},
        Case{"top-h:alpha=1", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
        Case{"top-h:alpha=0.9,top_n=5", {0, 2, 4, 8, 11}}, Case{"top-h:alpha=0.1,entropy=cumulative", {2}},
        Case{"top-h:alpha=0.7,entropy=cumulative", {2, 4, 8, 11}},
        Case{"top-h:alpha=0.7,top_n=5,entropy=cumulative", {2, 4, 8}}, Case{"top-n-sigma:n=0.3", {2, 4}},
        Case{"top-n-sigma:n=1", {0, 2, 4, 6, 8, 11}}, Case{"top-n-sigma:n=1.5", {0, 2, 3, 4, 6, 8, 10, 11}}),
    [](const auto& info) {
      std::string name = info.param.filter;
      for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      return name;
    });

TEST(TopH, TheTwoReadingsDifferOnAFlatDistribution) {
  std::vector<float> row(200);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = -3.0f * static_cast<float>(i) / 199.0f;
  EXPECT_EQ(kept("top-h:alpha=0.4", row).size(), 7u);
  EXPECT_EQ(kept("top-h:alpha=0.4,entropy=cumulative", row).size(), 27u);
  EXPECT_EQ(kept("top-p:p=0.5", row).size(), 43u);
  EXPECT_EQ(kept("top-p:p=0.9", row).size(), 129u);
  EXPECT_EQ(kept("typical:p=0.5", row).size(), 71u);
}

TEST(Temperature, DividesEveryLogit) {
  Candidates c = candidates(kRow);
  make("temperature:t=0.5")->apply(c);
  for (const Candidate& x : c.items) EXPECT_FLOAT_EQ(x.logit, 2 * kRow[static_cast<std::size_t>(x.id)]);
}

TEST(Temperature, ZeroIsRefusedWithTheWayOut) {
  const auto made = registry().make<LogitFilter>(Family::Sampling, {"temperature", {{"t", 0.0}}});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, testing::HasSubstr("from 0.01 to 10"));
}

TEST(RepetitionPenalty, DividesPositiveAndMultipliesNegativeLogitsOfSeenTokens) {
  const auto filter = make("repetition-penalty:penalty=1.3");
  for (const int token : {2, 1, 5, 2}) filter->accept(token);
  Candidates c = candidates(kRow);
  filter->apply(c);
  const std::vector<float> expected{2.0f, -1.95f, 2.5f, 0.5f, 3.0f, -5.2f, 1.75f, 0.0f, 2.5f, -0.25f, 1.0f, 2.25f};
  for (const Candidate& x : c.items) EXPECT_FLOAT_EQ(x.logit, expected[static_cast<std::size_t>(x.id)]) << x.id;
}

std::vector<float> penalized(LogitFilter& filter) {
  Candidates c = candidates(kRow);
  filter.apply(c);
  std::vector<float> row(c.items.size());
  for (const Candidate& x : c.items) row[static_cast<std::size_t>(x.id)] = x.logit;
  return row;
}

TEST(RepetitionPenalty, RemembersOnlyTheLastTokensWhenAsked) {
  const auto all = make("repetition-penalty:penalty=2"), two = make("repetition-penalty:penalty=2,last=2");
  for (const int token : {0, 4, 8}) two->accept(token);
  for (const int token : {4, 8}) all->accept(token);
  EXPECT_EQ(penalized(*two), penalized(*all));
}

TEST(RepetitionPenalty, RollingBackIsAsIfItNeverHappened) {
  std::mt19937_64 random(7);
  for (const char* text : {"repetition-penalty:penalty=2", "repetition-penalty:penalty=2,last=3"}) {
    const auto straight = make(text), wandering = make(text);
    for (int step = 0; step < 200; ++step) {
      const int token = static_cast<int>(random() % kRow.size());
      const auto detour = random() % 6;
      for (std::uint64_t i = 0; i < detour; ++i) wandering->accept(static_cast<int>(random() % kRow.size()));
      wandering->rollback(static_cast<std::int64_t>(detour));
      straight->accept(token);
      wandering->accept(token);
      ASSERT_EQ(penalized(*straight), penalized(*wandering)) << text << " step " << step;
    }
  }
}

TEST(RepetitionPenalty, ACloneGoesItsOwnWay) {
  const auto filter = make("repetition-penalty:penalty=2");
  filter->accept(3);
  const auto before = penalized(*filter);
  const auto copy = filter->clone();
  copy->accept(4);
  EXPECT_EQ(penalized(*filter), before);
  EXPECT_NE(penalized(*copy), before);
}

TEST(EveryFilter, LeavesAtLeastOneCandidateOfAnyRow) {
  std::vector<std::vector<float>> rows{
      {0.0f}, std::vector<float>(300, 1.0f), {-1e30f, 1e30f, 0.0f}, {NAN, 1.0f, -INFINITY}};
  for (const Strategy* s : registry().ofFamily(Family::Sampling)) {
    for (const auto& row : rows) {
      Candidates c = candidates(row);
      auto filter = registry().make<LogitFilter>(Family::Sampling, {s->descriptor.id, {}}).value();
      filter->accept(0);
      filter->apply(c);
      EXPECT_FALSE(c.items.empty()) << s->descriptor.id;
      std::vector<double> p;
      c.probabilities(p);
      double sum = 0;
      for (const double x : p) sum += x;
      EXPECT_NEAR(sum, 1.0, 1e-9) << s->descriptor.id;
    }
  }
}

TEST(EveryFilter, KeepsTheSameSetAfterASortAndInAClone) {
  std::mt19937_64 random(3);
  std::vector<float> row(5000);
  for (float& z : row) z = static_cast<float>(8 * uniform(random) - 4 * uniform(random));
  for (const Strategy* s : registry().ofFamily(Family::Sampling)) {
    const auto filter = registry().make<LogitFilter>(Family::Sampling, {s->descriptor.id, {}}).value();
    Candidates plain = candidates(row), sorted = candidates(row), cloned = candidates(row);
    sorted.sort();
    filter->apply(plain);
    filter->apply(sorted);
    filter->clone()->apply(cloned);
    plain.sort();
    sorted.sort();
    cloned.sort();
    EXPECT_EQ(plain.items, sorted.items) << s->descriptor.id;
    EXPECT_EQ(plain.items, cloned.items) << s->descriptor.id;
  }
}

TEST(EveryFilter, SaysWhetherItNeedsADraw) {
  for (const Strategy* s : registry().ofFamily(Family::Sampling)) {
    const bool needs = std::ranges::count(s->descriptor.needs, "sampling") > 0;
    EXPECT_EQ(needs, s->descriptor.id != "repetition-penalty") << s->descriptor.id;
    EXPECT_FALSE(s->descriptor.help.empty());
  }
}

TEST(FilterChain, AppliesInOrderAndTellsEachFilter) {
  std::vector<std::unique_ptr<LogitFilter>> filters;
  filters.push_back(make("repetition-penalty:penalty=4"));
  filters.push_back(make("top-k:k=2"));
  FilterChain chain(std::move(filters));
  const FilterChain empty;
  EXPECT_TRUE(empty.empty());
  chain.accept(2);
  Candidates c = candidates(kRow);
  chain.apply(c);
  EXPECT_THAT(c.items, ElementsAre(Candidate{4, 3.0f}, Candidate{8, 2.5f}));
  FilterChain copy = chain.clone();
  chain.rollback(1);
  c = candidates(kRow);
  chain.apply(c);
  EXPECT_THAT(c.items, ElementsAre(Candidate{2, 3.25f}, Candidate{4, 3.0f}));
  c = candidates(kRow);
  copy.apply(c);
  EXPECT_THAT(c.items, ElementsAre(Candidate{4, 3.0f}, Candidate{8, 2.5f}));
}

}  // namespace
}  // namespace ts
