// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/search/nsga2.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace ts {
namespace {

using Individual = Nsga2::Individual;

bool dominates(const Individual& a, const Individual& b) {
  if (a.violation != b.violation) return a.violation < b.violation;
  bool better = false;
  for (std::size_t i = 0; i < a.objectives.size() && i < b.objectives.size(); ++i) {
    if (a.objectives[i] > b.objectives[i]) return false;
    better |= a.objectives[i] < b.objectives[i];
  }
  return better;
}

bool fitter(const Individual& a, const Individual& b) {
  return a.rank != b.rank ? a.rank < b.rank : a.crowding > b.crowding;
}

void crowd(std::vector<Individual*>& front) {
  const std::size_t objectives = front.front()->objectives.size();
  for (std::size_t m = 0; m < objectives; ++m) {
    if (std::ranges::any_of(front, [&](const Individual* p) { return p->objectives.size() != objectives; })) return;
    std::ranges::sort(front, {}, [&](const Individual* p) { return p->objectives[m]; });
    const double range = front.back()->objectives[m] - front.front()->objectives[m];
    front.front()->crowding = front.back()->crowding = std::numeric_limits<double>::infinity();
    if (!(range > 0)) continue;
    for (std::size_t i = 1; i + 1 < front.size(); ++i)
      front[i]->crowding += (front[i + 1]->objectives[m] - front[i - 1]->objectives[m]) / range;
  }
}

}  // namespace

void rankAndCrowd(std::vector<Individual>& individuals) {
  std::vector<int> beatenBy(individuals.size(), 0);
  std::vector<std::vector<std::size_t>> beats(individuals.size());
  for (std::size_t i = 0; i < individuals.size(); ++i)
    for (std::size_t j = 0; j < individuals.size(); ++j)
      if (i != j && dominates(individuals[i], individuals[j])) {
        beats[i].push_back(j);
        ++beatenBy[j];
      }
  std::vector<std::size_t> current;
  for (std::size_t i = 0; i < individuals.size(); ++i) {
    individuals[i].crowding = 0;
    if (beatenBy[i] == 0) current.push_back(i);
  }
  for (int rank = 0; !current.empty(); ++rank) {
    std::vector<Individual*> front;
    std::vector<std::size_t> next;
    for (const std::size_t i : current) {
      individuals[i].rank = rank;
      front.push_back(&individuals[i]);
      for (const std::size_t j : beats[i])
        if (--beatenBy[j] == 0) next.push_back(j);
    }
    crowd(front);
    current = std::move(next);
  }
}

Nsga2::Nsga2(std::vector<std::int64_t> sizes, std::size_t population, std::uint64_t seed)
    : sizes_(std::move(sizes)), limit_(std::max<std::size_t>(4, population)), random_(seed) {}

Genome Nsga2::randomGenome() {
  Genome genome;
  for (const std::int64_t size : sizes_)
    genome.push_back(std::uniform_int_distribution<std::int64_t>(0, size - 1)(random_));
  return genome;
}

const Individual& Nsga2::tournament() {
  std::uniform_int_distribution<std::size_t> pick(0, population_.size() - 1);
  const Individual &a = population_[pick(random_)], &b = population_[pick(random_)];
  return fitter(b, a) ? b : a;
}

Genome Nsga2::child() {
  if (population_.empty()) return randomGenome();
  const Genome &mother = tournament().genome, &father = tournament().genome;
  const auto movable = std::ranges::count_if(sizes_, [](std::int64_t size) { return size > 1; });
  std::bernoulli_distribution coin, mutates(1.0 / static_cast<double>(std::max<std::ptrdiff_t>(1, movable)));
  const bool cross = std::bernoulli_distribution(0.9)(random_);
  Genome genome = mother;
  for (std::size_t g = 0; g < genome.size(); ++g) {
    if (cross && coin(random_)) genome[g] = father[g];
    if (sizes_[g] < 2 || !mutates(random_)) continue;
    if (coin(random_)) {
      genome[g] = std::uniform_int_distribution<std::int64_t>(0, sizes_[g] - 1)(random_);
    } else {
      const std::int64_t step = 1 + std::geometric_distribution<std::int64_t>(0.5)(random_);
      genome[g] = std::clamp<std::int64_t>(genome[g] + (coin(random_) ? step : -step), 0, sizes_[g] - 1);
    }
  }
  return genome;
}

void Nsga2::tell(std::vector<Individual> measured) {
  std::ranges::move(measured, std::back_inserter(population_));
  rankAndCrowd(population_);
  std::ranges::stable_sort(population_, fitter);
  if (population_.size() > limit_) population_.resize(limit_);
}

}  // namespace ts
