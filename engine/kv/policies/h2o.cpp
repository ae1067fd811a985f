// SPDX-License-Identifier: GPL-3.0-or-later
// H2O, heavy-hitter oracle (Zhang et al., arXiv 2306.14048): each row sums the attention it receives; when a head holds more
// than its budget, the rows with the largest sums and the most recent ones stay, the rest are evicted, head by head.
// True positions are kept. The budget is a fraction of the tokens seen so far; `recent` is the share of it that goes to
// recency. The paper evicts at every token; here at every `interval`-th, so that no draft straddles an eviction
// (interval=1 is the paper's schedule).
// Verified: budget 1 changes nothing; the rows kept are the heaviest of a full attention matrix computed apart.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/kv/strategy.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

class H2oPolicy final : public KvPolicy {
 public:
  H2oPolicy(double budget, double recent, std::int64_t interval) : budget_(budget), recent_(recent), interval_(interval) {}
  std::string name() const override { return "h2o"; }
  std::int64_t interval() const override { return interval_; }
  bool wantsMass() const override { return true; }

  void keep(const HeadView& view, std::vector<std::int32_t>& indices) const override {
    const auto rows = static_cast<std::int64_t>(view.positions.size());
    const auto budget = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(budget_ * static_cast<double>(view.nextPosition))));
    indices.resize(static_cast<std::size_t>(rows));
    std::iota(indices.begin(), indices.end(), 0);
    if (rows <= budget) return;
    const auto recent = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::llround(recent_ * static_cast<double>(budget))), 0, budget);
    // The heaviest of the older rows; equal sums go to the later row.
    const auto older = indices.end() - recent, last = indices.begin() + (budget - recent);
    std::nth_element(indices.begin(), last, older, [&](std::int32_t a, std::int32_t b) {
      const float x = view.mass[static_cast<std::size_t>(a)], y = view.mass[static_cast<std::size_t>(b)];
      return x != y ? x > y : a > b;
    });
    indices.erase(last, older);
    std::sort(indices.begin(), indices.end());
  }

 private:
  double budget_, recent_;
  std::int64_t interval_;
};

const Registration kH2o(
    {.id = "h2o",
     .family = Family::KeyValue,
     .title = "H2O: heavy-hitter oracle",
     .help = "keep the rows that received most attention and the most recent ones, evict the rest, head by head",
     .paper = "H2O, arXiv 2306.14048",
     .parameters = {{.name = "budget", .type = ParameterType::Real, .fallback = 0.2, .help = "rows kept, of the tokens seen so far", .unit = "fraction", .minimum = 0.01, .maximum = 1.0},
                    {.name = "recent", .type = ParameterType::Real, .fallback = 0.5, .help = "share of the budget for the most recent rows", .unit = "fraction", .minimum = 0.0, .maximum = 1.0},
                    {.name = "interval", .fallback = std::int64_t{16}, .help = "tokens between evictions", .unit = "tokens", .minimum = 1, .maximum = 512}},
     .needs = {"attention"},
     .claims = {"kv.eviction"}},
    Make<KvPolicy>([](const Settings& s) { return std::make_unique<H2oPolicy>(s.real("budget"), s.real("recent"), s.integer("interval")); }));

}  // namespace
}  // namespace ts
