// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/search/plan_source.h"

#include <algorithm>
#include <boost/random/sobol.hpp>
#include <boost/random/uniform_01.hpp>
#include <cmath>
#include <limits>

#include "experiments/search/genome.h"
#include "experiments/search/nsga2.h"

namespace ts {
namespace {

constexpr std::int64_t kPatience = 200;  // draws in a row that bring nothing new before the space counts as used up

class Grid final : public PlanSource {
 public:
  Grid(const Sweep& sweep, const std::set<std::string>& offers) : plans_(expand(sweep, offers)) {}
  const Result<std::vector<PlannedRun>>& plans() const { return plans_; }
  Result<std::vector<PlannedRun>> next(const KnownResults&) override {
    if (std::exchange(given_, true)) return std::vector<PlannedRun>();
    return plans_;
  }
  std::int64_t expected() const override { return plans_ ? static_cast<std::int64_t>(plans_->size()) : 0; }

 private:
  Result<std::vector<PlannedRun>> plans_;
  bool given_ = false;
};

/// What the methods with a budget share: never the same plan twice, the baseline first and not counted.
class Budgeted : public PlanSource {
 public:
  Budgeted(const Sweep& sweep, const std::set<std::string>& offers)
      : sweep_(sweep), offers_(offers), space_(sweep_), left_(sweep.budget) {}
  std::int64_t expected() const override {
    return given_ + (given_ == 0 ? 1 : 0) +
           static_cast<std::int64_t>(std::min(static_cast<double>(left_), space_.plans()));
  }

 protected:
  Result<void> baseline(std::vector<PlannedRun>& round) {
    Plan dense;
    dense.threads = sweep_.threads;
    TS_TRY(std::string text, canonical(dense));
    seen_.insert(std::move(text));
    round.push_back(planned(std::move(dense), offers_));
    ++given_;
    return {};
  }
  /// Adds up to `count` new plans made by `draw`; says which genomes they came from.
  template <class Draw>
  Result<std::vector<Genome>> take(std::int64_t count, Draw&& draw, std::vector<PlannedRun>& round) {
    std::vector<Genome> genomes;
    for (std::int64_t misses = 0; count > 0 && left_ > 0 && misses < kPatience;) {
      Genome genome = draw();
      Plan plan = space_.plan(genome);
      TS_TRY(std::string text, canonical(plan));
      if (!seen_.insert(std::move(text)).second) {
        ++misses;
        continue;
      }
      misses = 0;
      round.push_back(planned(std::move(plan), offers_));
      genomes.push_back(std::move(genome));
      --count, --left_, ++given_;
    }
    return genomes;
  }

  const Sweep sweep_;
  const std::set<std::string> offers_;
  GenomeSpace space_;
  std::int64_t left_, given_ = 0;

 private:
  std::set<std::string> seen_;
};

class Random final : public Budgeted {
 public:
  using Budgeted::Budgeted;
  Result<std::vector<PlannedRun>> next(const KnownResults&) override {
    std::vector<PlannedRun> round;
    if (given_ > 0) return round;
    TS_CHECK(baseline(round));
    std::mt19937_64 random(sweep_.seed);
    const auto draw = [&] {
      Genome genome;
      for (const std::int64_t size : space_.sizes())
        genome.push_back(std::uniform_int_distribution<std::int64_t>(0, size - 1)(random));
      genome[0] = space_.groupOf(std::uniform_real_distribution<double>()(random));
      return genome;
    };
    TS_CHECK(take(left_, draw, round));
    return round;
  }
};

class Sobol final : public Budgeted {
 public:
  using Budgeted::Budgeted;
  Result<std::vector<PlannedRun>> next(const KnownResults&) override {
    std::vector<PlannedRun> round;
    if (given_ > 0) return round;
    TS_CHECK(baseline(round));
    // Only genes with a choice get a dimension: a sequence of fewer dimensions covers the space better.
    std::vector<std::size_t> genes;
    for (std::size_t g = 0; g < space_.sizes().size(); ++g)
      if (space_.sizes()[g] > 1) genes.push_back(g);
    boost::random::sobol engine(std::max<std::size_t>(1, genes.size()));
    engine.discard(std::max<std::size_t>(1, genes.size()) * (1 + sweep_.seed % 1024));
    boost::random::uniform_01<double> unit;
    const auto draw = [&] {
      Genome genome(space_.sizes().size(), 0);
      for (const std::size_t g : genes) {
        const double t = unit(engine);
        genome[g] = g == 0 ? space_.groupOf(t)
                           : std::min(static_cast<std::int64_t>(t * static_cast<double>(space_.sizes()[g])),
                                      space_.sizes()[g] - 1);
      }
      if (genes.empty()) unit(engine);
      return genome;
    };
    TS_CHECK(take(left_, draw, round));
    return round;
  }
};

class Evolving final : public Budgeted {
 public:
  Evolving(const Sweep& sweep, const std::set<std::string>& offers)
      : Budgeted(sweep, offers),
        generation_(static_cast<std::size_t>(std::clamp<std::int64_t>(sweep.budget / 5, 4, 40))),
        evolution_(space_.sizes(), generation_, sweep.seed) {}

  Result<std::vector<PlannedRun>> next(const KnownResults& results) override {
    std::vector<PlannedRun> round;
    if (given_ == 0) TS_CHECK(baseline(round));
    std::vector<Nsga2::Individual> measured;
    for (Genome& genome : asked_) {
      TS_TRY(const std::string text, canonical(space_.plan(genome)));
      const auto it = results.find(text);
      measured.push_back(judge(std::move(genome), it == results.end() ? std::map<std::string, double>() : it->second));
    }
    if (!measured.empty()) evolution_.tell(std::move(measured));
    const auto count = static_cast<std::int64_t>(generation_);
    TS_TRY(asked_, take(
                       count, [&] { return evolution_.child(); }, round));
    if (left_ > 0 &&
        static_cast<std::int64_t>(asked_.size()) < count) {  // the neighbourhood is used up: look elsewhere
      TS_TRY(std::vector<Genome> more,
             take(
                 count - static_cast<std::int64_t>(asked_.size()), [&] { return evolution_.randomGenome(); }, round));
      std::ranges::move(more, std::back_inserter(asked_));
    }
    return round;
  }

 private:
  Nsga2::Individual judge(Genome genome, const std::map<std::string, double>& metrics) const {
    Nsga2::Individual individual{.genome = std::move(genome)};
    for (std::string name : sweep_.objectives) {
      const double sign = name.starts_with('-') ? -1 : 1;
      if (sign < 0) name.erase(0, 1);
      const auto it = metrics.find(name);
      const bool known = it != metrics.end() && std::isfinite(it->second);
      individual.objectives.push_back(known ? sign * it->second : std::numeric_limits<double>::max());
      if (!known) individual.violation = std::numeric_limits<double>::infinity();
    }
    for (const Constraint& constraint : sweep_.constraints) {
      const auto it = metrics.find(constraint.metric);
      if (it == metrics.end()) continue;
      const double over = constraint.below ? it->second - constraint.bound : constraint.bound - it->second;
      if (over > 0) individual.violation += over / std::max(std::abs(constraint.bound), 1e-12);
    }
    return individual;
  }

  std::size_t generation_;
  Nsga2 evolution_;
  std::vector<Genome> asked_;
};

}  // namespace

Result<std::unique_ptr<PlanSource>> makePlanSource(const Sweep& sweep, const std::set<std::string>& modelOffers) {
  if (sweep.method == "random") return std::make_unique<Random>(sweep, modelOffers);
  if (sweep.method == "sobol") return std::make_unique<Sobol>(sweep, modelOffers);
  if (sweep.method == "nsga2") return std::make_unique<Evolving>(sweep, modelOffers);
  if (sweep.method != "grid")
    return fail("there is no search method '" + sweep.method + "'; known: grid, random, sobol, nsga2", sweep.name);
  auto grid = std::make_unique<Grid>(sweep, modelOffers);
  if (!grid->plans()) return tl::unexpected(grid->plans().error());
  return grid;
}

}  // namespace ts
