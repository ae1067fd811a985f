// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/search/genome.h"

#include <numeric>

namespace ts {
namespace {
constexpr std::size_t kDimensions = 6;  // of a group, see dimensions()
}

GenomeSpace::GenomeSpace(const Sweep& sweep) : sweep_(sweep) {
  sizes_.push_back(static_cast<std::int64_t>(sweep.groups.size()));
  for (const SweepGroup& group : sweep.groups) {
    const auto sizes = dimensions(group);
    sizes_.insert(sizes_.end(), sizes.begin(), sizes.end());
    counts_.push_back(std::accumulate(sizes.begin(), sizes.end(), 1.0,
                                      [](double a, std::int64_t b) { return a * static_cast<double>(b); }));
  }
}

Plan GenomeSpace::plan(const Genome& genome) const {
  const auto group = static_cast<std::size_t>(genome[0]);
  const auto first = genome.begin() + static_cast<std::ptrdiff_t>(1 + group * kDimensions);
  return planAt(sweep_, sweep_.groups[group], {first, first + kDimensions});
}

double GenomeSpace::plans() const {
  return std::accumulate(counts_.begin(), counts_.end(), 0.0);
}

std::int64_t GenomeSpace::groupOf(double t) const {
  double left = t * plans();
  for (std::size_t group = 0; group + 1 < counts_.size(); ++group) {
    if (left < counts_[group]) return static_cast<std::int64_t>(group);
    left -= counts_[group];
  }
  return static_cast<std::int64_t>(counts_.size()) - 1;
}

}  // namespace ts
