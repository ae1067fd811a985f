// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "experiments/search/genome.h"

namespace ts {

/// NSGA-II (Deb, Pratap, Agarwal and Meyarivan, 2002) over a discrete space: elitist selection by non-domination rank
/// and crowding distance, binary tournaments, uniform crossover; a gene mutates to a neighbour or anywhere. Constraints
/// by constrained domination: less violation wins before any objective counts.
class Nsga2 {
 public:
  struct Individual {
    Genome genome;
    std::vector<double> objectives;  ///< all to be made small
    double violation = 0;            ///< 0: feasible; infinity: could not be measured
    int rank = 0;
    double crowding = 0;
  };

  /// `sizes`: the number of values of each gene. `population` is at least 4.
  Nsga2(std::vector<std::int64_t> sizes, std::size_t population, std::uint64_t seed);

  Genome randomGenome();
  /// A child of two tournament winners; random while nothing was told.
  Genome child();
  /// The measured individuals of a generation: the best of them and the population so far survive.
  void tell(std::vector<Individual> measured);
  const std::vector<Individual>& population() const { return population_; }

 private:
  const Individual& tournament();
  std::vector<std::int64_t> sizes_;
  std::size_t limit_;
  std::mt19937_64 random_;
  std::vector<Individual> population_;
};

/// Fills in rank (0 is the front) and crowding distance.
void rankAndCrowd(std::vector<Nsga2::Individual>& individuals);

}  // namespace ts
