// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/spec/sweep.h"

namespace ts {

/// One index for each choice: a point of a discrete space.
using Genome = std::vector<std::int64_t>;

/// A sweep's space as numbers: which group (weighted by its number of plans through groupOf), then the choices of every
/// group; only those of the chosen group matter.
class GenomeSpace {
 public:
  explicit GenomeSpace(const Sweep& sweep);
  const std::vector<std::int64_t>& sizes() const { return sizes_; }
  Plan plan(const Genome& genome) const;
  double plans() const;  ///< of all groups; may be astronomical
  /// The group a number in [0, 1) falls into when groups share the interval by their number of plans.
  std::int64_t groupOf(double t) const;

 private:
  const Sweep& sweep_;
  std::vector<std::int64_t> sizes_;
  std::vector<double> counts_;
};

}  // namespace ts
