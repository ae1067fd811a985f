// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "experiments/analysis/axis.h"
#include "experiments/analysis/front_svg.h"
#include "experiments/analysis/label.h"

namespace ts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Less memory and lower perplexity are both better.
std::vector<RunRecord> runsAt(const std::vector<std::pair<double, double>>& points) {
  std::vector<RunRecord> runs;
  for (const auto& [x, y] : points) {
    RunRecord& run = runs.emplace_back();
    run.id = static_cast<std::int64_t>(runs.size());
    run.metrics = {{"bytes_total", {x, {}, {}}}, {"perplexity", {y, {}, {}}}};
  }
  return runs;
}
Front frontOf(const std::vector<std::pair<double, double>>& points) {
  return paretoFront(runsAt(points), "bytes_total", "perplexity");
}

TEST(Front, HoldsThePointsThatNoOtherBeatsInBoth) {
  const Front front = frontOf({{3, 1}, {1, 3}, {2, 2}, {3, 3}, {2, 3}});
  EXPECT_THAT(front.front, ElementsAre(1u, 2u, 0u)) << "by x";
  EXPECT_FALSE(front.points[3].onFront);
  EXPECT_EQ(front.reference, std::pair(3.0, 3.0));
}

TEST(Front, ATieInOneAxisIsDecidedByTheOther) {
  EXPECT_THAT(frontOf({{1, 2}, {1, 1}, {2, 1}}).front, ElementsAre(1u));
}

TEST(Front, EqualPointsAreAllOnItOrAllNot) {
  EXPECT_THAT(frontOf({{1, 1}, {1, 1}, {2, 2}, {2, 2}}).front, ElementsAre(0u, 1u));
}

TEST(Front, LeavesOutWhatWasNotMeasured) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(frontOf({{nan, 1}, {1, nan}, {0, inf}, {5, 5}}).points.size(), 1u);
  EXPECT_TRUE(paretoFront(runsAt({{1, 1}}), "bytes_total", "acc").points.empty());
  EXPECT_TRUE(frontOf({}).points.empty());
}

TEST(Front, KnowsWhichWayIsBetter) {
  auto runs = runsAt({{1, 1}, {2, 2}});
  for (RunRecord& run : runs) run.metrics["decode_tokens_per_s"] = run.metrics["perplexity"];
  EXPECT_THAT(paretoFront(runs, "bytes_total", "decode_tokens_per_s").front, ElementsAre(0u, 1u));
}

TEST(Front, MeasuresTheDominatedShare) {
  EXPECT_DOUBLE_EQ(frontOf({{0, 0}, {10, 4}}).hypervolume, 1);
  EXPECT_DOUBLE_EQ(frontOf({{0, 4}, {5, 2}, {10, 0}}).hypervolume, 0.25);
  EXPECT_DOUBLE_EQ(frontOf({{7, 7}}).hypervolume, 0) << "one point spans no area";
}

TEST(Front, FindsTheKneeTowardsTheIdealCorner) {
  EXPECT_EQ(frontOf({{0, 10}, {1, 2}, {4, 1}, {10, 0}}).knee, 1u);
  EXPECT_EQ(frontOf({{0, 10}, {9, 9}, {10, 0}}).knee, std::nullopt) << "bulges the wrong way";
  EXPECT_EQ(frontOf({{0, 1}, {1, 0}}).knee, std::nullopt);
}

TEST(Front, AgreesWithTheDefinitionOnRandomPoints) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::pair<double, double>> at(20);
    for (auto& [x, y] : at) x = static_cast<double>(random() % 8), y = static_cast<double>(random() % 8);
    const Front front = frontOf(at);
    for (const FrontPoint& p : front.points) {
      bool beaten = false;
      for (const FrontPoint& q : front.points) beaten |= q.x <= p.x && q.y <= p.y && (q.x < p.x || q.y < p.y);
      ASSERT_EQ(p.onFront, !beaten);
    }
  }
}

TEST(Axis, HasRoundTicksInReadableUnits) {
  const Axis axis = axisFor("bytes_total", {12e6, 41e6});
  EXPECT_EQ(axis.title, "Memory (MB)");
  std::vector<std::string> texts;
  for (const auto& tick : axis.ticks) texts.push_back(tick.text);
  EXPECT_THAT(texts, ElementsAre("15", "20", "25", "30", "35", "40"));
  EXPECT_FALSE(axis.logarithmic);
}

TEST(Axis, IsLogarithmicOverManyMagnitudes) {
  const Axis axis = axisFor("perplexity", {6, 8000});
  EXPECT_TRUE(axis.logarithmic);
  EXPECT_NEAR(axis.position(6), 1 - axis.position(8000), 1e-9);
  EXPECT_GE(axis.ticks.size(), 3u);
}

TEST(Axis, CoversOneValueAndNone) {
  EXPECT_GT(axisFor("perplexity", {5}).high, 5);
  EXPECT_GT(axisFor("perplexity", {}).ticks.size(), 2u);
}

TEST(FrontSvg, IsCompleteAndEscaped) {
  auto runs = runsAt({{1e6, 9}, {2e6, 5}, {8e6, 4}, {8e6, 9}});
  runs[0].settings["weights"] = "a<b & \"c\"";
  runs[1].metrics["perplexity"].stderr_ = 0.5;
  const std::string svg = frontSvg(paretoFront(runs, "bytes_total", "perplexity"), runs,
                                   {.title = "Front of <demo>", .x = "bytes_total", .y = "perplexity"});
  EXPECT_THAT(svg, HasSubstr("Front of &lt;demo&gt;"));
  EXPECT_THAT(svg, HasSubstr("a&lt;b &amp; &quot;c&quot;"));
  EXPECT_THAT(svg, HasSubstr("stroke=\"#8fb3d2\""));
  EXPECT_THAT(svg, HasSubstr("4 runs, 3 on the front"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(frontSvg({}, {}, {.title = "none", .x = "bytes_total", .y = "perplexity"}), HasSubstr("No run has both"));
}

TEST(Label, NamesAPlanInAFewWords) {
  RunRecord run;
  EXPECT_EQ(shortName(run), "dense");
  run.settings = {{"weights", "q4:group=32"}, {"weights.q4.group", "32"}, {"kv", "h2o"}, {"activations", "q8"}};
  EXPECT_EQ(shortName(run), "q4:group=32 + kv h2o + q8 activations");
}

TEST(Label, WritesValuesAsPeopleDo) {
  EXPECT_EQ(formatValue("bytes_total", 41234567), "41.2 MB");
  EXPECT_EQ(formatValue("ttft_ms", 12.5), "12.5 ms");
  EXPECT_EQ(formatValue("acc", 0.625), "62.5 %");
  EXPECT_EQ(formatValue("perplexity", 7.31049), "7.31");
  EXPECT_EQ(formatValue("perplexity", std::numeric_limits<double>::quiet_NaN()), "–");
}

}  // namespace
}  // namespace ts
