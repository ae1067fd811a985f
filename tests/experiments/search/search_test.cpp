// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "experiments/search/nsga2.h"
#include "experiments/search/plan_source.h"
#include "experiments/spec/chain.h"
#include "tests/experiments/support/strategies.h"

namespace ts {
namespace {

using testing::SizeIs;

Nsga2::Individual at(double x, double y, double violation = 0) {
  return {.genome = {}, .objectives = {x, y}, .violation = violation};
}

TEST(Nsga2, RanksByDominationAndConstraintsFirst) {
  std::vector<Nsga2::Individual> all{at(1, 3), at(2, 2), at(3, 1), at(3, 3), at(0, 0, 5), at(0, 0, 7)};
  rankAndCrowd(all);
  EXPECT_EQ(all[0].rank, 0);
  EXPECT_EQ(all[1].rank, 0);
  EXPECT_EQ(all[2].rank, 0);
  EXPECT_EQ(all[3].rank, 1);
  EXPECT_EQ(all[4].rank, 2) << "infeasible, however good";
  EXPECT_EQ(all[5].rank, 3);
  EXPECT_TRUE(std::isinf(all[0].crowding));
  EXPECT_DOUBLE_EQ(all[1].crowding, 2);
}

/// ZDT1 (Zitzler, Deb and Thiele, 2000) with 10 variables of 64 steps; its front is f2 = 1 - sqrt(f1).
std::vector<double> zdt1(const Genome& genome) {
  const auto value = [&](std::size_t i) { return static_cast<double>(genome[i]) / 63; };
  double sum = 0;
  for (std::size_t i = 1; i < genome.size(); ++i) sum += value(i);
  const double f1 = value(0), g = 1 + 9 * sum / static_cast<double>(genome.size() - 1);
  return {f1, g * (1 - std::sqrt(f1 / g))};
}

TEST(Nsga2, ClosesInOnTheFrontOfZdt1) {
  Nsga2 evolution(std::vector<std::int64_t>(10, 64), 40, 1);
  for (int generation = 0; generation < 150; ++generation) {
    std::vector<Nsga2::Individual> measured;
    for (int i = 0; i < 40; ++i) {
      Genome genome = evolution.child();
      measured.push_back({.genome = genome, .objectives = zdt1(genome)});
    }
    evolution.tell(std::move(measured));
  }
  double worst = 0, low = 1, high = 0;
  for (const auto& individual : evolution.population()) {
    worst = std::max(worst, individual.objectives[1] - (1 - std::sqrt(individual.objectives[0])));
    low = std::min(low, individual.objectives[0]);
    high = std::max(high, individual.objectives[0]);
  }
  EXPECT_LT(worst, 0.1);
  EXPECT_LT(low, 0.05);
  EXPECT_GT(high, 0.9) << "spread over the whole front";
}

class Search : public testing::Test {
 protected:
  static void SetUpTestSuite() { registerTestStrategies(); }
  static Sweep sweep(const std::string& search, const std::string& extra = "") {
    return *parseSweep(
        R"({"model": "m", "search": )" + search + extra +
            R"(, "groups": [{"weights": ["t-prune:sparsity=0.0..0.9/10", "t-quant:group=1..512/10"], "kv": ["", "t-evict:sinks=1|2|3|4"]}]})",
        "s.json");
  }
  static std::vector<PlannedRun> all(const Sweep& sweep) {
    auto source = *makePlanSource(sweep, {"causal"});
    std::vector<PlannedRun> plans;
    for (;;) {
      auto round = *source->next({});
      if (round.empty()) return plans;
      plans.insert(plans.end(), round.begin(), round.end());
    }
  }
  static std::set<std::string> texts(const std::vector<PlannedRun>& plans) {
    std::set<std::string> out;
    for (const PlannedRun& run : plans) out.insert(*canonical(run.plan));
    return out;
  }
};

TEST_F(Search, EveryMethodBeginsWithTheBaselineAndRepeatsNothing) {
  for (const std::string method : {"random", "sobol", "nsga2"}) {
    const auto plans = all(
        sweep("{\"method\": \"" + method + "\", \"budget\": 30}", R"(, "objectives": ["perplexity", "bytes_total"])"));
    EXPECT_THAT(plans, SizeIs(31)) << method;
    EXPECT_TRUE(plans[0].plan.weights.empty()) << method;
    EXPECT_THAT(texts(plans), SizeIs(31)) << method;
  }
  EXPECT_THAT(all(sweep(R"({"method": "grid"})")), SizeIs(101));
}

TEST_F(Search, ABudgetAboveTheSpaceGivesTheSpace) {
  EXPECT_THAT(all(sweep(R"({"method": "random", "budget": 5000})")), SizeIs(101));
  EXPECT_GT(all(sweep(R"({"method": "sobol", "budget": 5000})")).size(), 80u);
}

TEST_F(Search, SobolCoversEveryChoiceEvenly) {
  std::map<std::string, int> count;
  for (const PlannedRun& run : all(sweep(R"({"method": "sobol", "budget": 40})"))) ++count[chainText(run.plan.kv)];
  for (const auto& [kv, times] : count) EXPECT_GE(times, 5) << kv;
}

TEST_F(Search, TheSameSeedGivesTheSamePlans) {
  const std::string search = R"({"method": "random", "budget": 10}, "seed": )";
  EXPECT_EQ(texts(all(sweep(search + "4"))), texts(all(sweep(search + "4"))));
  EXPECT_NE(texts(all(sweep(search + "4"))), texts(all(sweep(search + "5"))));
}

TEST_F(Search, EvolutionFindsBetterPlansThanChanceWithinTheConstraints) {
  // One objective falls with sparsity, the other grows with its square; sinks only cost.
  const auto score = [](const Plan& plan) {
    double sparsity = 0, cost = 0;
    if (plan.weights.size() == 1 && plan.weights[0].id == "t-prune")
      sparsity = Settings(plan.weights[0].values).real("sparsity");
    else
      cost = 0.5;
    if (!plan.kv.empty()) cost += 0.1 * static_cast<double>(Settings(plan.kv[0].values).integer("sinks"));
    return std::map<std::string, double>{{"bytes_total", 1 - sparsity + cost},
                                         {"perplexity", sparsity * sparsity + cost}};
  };
  const Sweep evolving = sweep(R"({"method": "nsga2", "budget": 60})",
                               R"(, "objectives": ["perplexity", "bytes_total"], "constraints": ["perplexity < 0.5"])");
  auto source = *makePlanSource(evolving, {"causal"});
  KnownResults results;
  int front = 0, feasible = 0, late = 0, asked = 0;
  for (auto round = *source->next(results); !round.empty(); round = *source->next(results))
    for (const PlannedRun& run : round) {
      const auto metrics = score(run.plan);
      results[*canonical(run.plan)] = metrics;
      if (++asked <= 30) continue;
      ++late;
      feasible += metrics.at("perplexity") < 0.5;
      front += run.plan.kv.empty() && run.plan.weights.size() == 1 && run.plan.weights[0].id == "t-prune";
    }
  EXPECT_GT(feasible * 2, late);
  int onFront = 0;
  for (const auto& [text, metrics] : results)
    onFront += metrics.at("bytes_total") + std::sqrt(metrics.at("perplexity")) < 1.0 + 1e-9;
  EXPECT_GE(onFront, 7) << "of the 8 feasible plans on the true front";
}

}  // namespace
}  // namespace ts
