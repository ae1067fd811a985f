// SPDX-License-Identifier: GPL-3.0-or-later
// Locally typical sampling: tokens whose surprise -ln p is nearest to the distribution's entropy, as many as hold the
// mass p together. May drop the likeliest token.
// Verified in numpy by the formula of transformers 5.23's TypicalLogitsWarper (tests/engine/decoding/filters_test.cpp).
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct Typical final : StatelessFilter<Typical> {
  double mass;
  std::vector<double> p;
  std::vector<std::size_t> order;
  std::vector<Candidate> kept;
  explicit Typical(double mass) : mass(mass) {}

  void apply(Candidates& candidates) override {
    if (mass >= 1.0) return;
    candidates.probabilities(p);
    double entropy = 0;
    for (const double x : p) entropy -= x > 0 ? x * std::log(x) : 0;
    const auto distance = [&](std::size_t i) { return p[i] > 0 ? std::abs(-std::log(p[i]) - entropy) : HUGE_VAL; };
    order.resize(p.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const double da = distance(a), db = distance(b);
      return da != db ? da < db : candidates.items[a].id < candidates.items[b].id;
    });
    kept.clear();
    double sum = 0;
    for (const std::size_t i : order) {
      kept.push_back(candidates.items[i]);
      if ((sum += p[i]) >= mass) break;
    }
    candidates.items.assign(kept.begin(), kept.end());
    candidates.sorted = false;
  }
};

const Registration registration(
    {.id = "typical",
     .family = Family::Sampling,
     .title = "Locally typical",
     .help = "Keeps the tokens whose surprise is nearest to the expected surprise",
     .paper = "Meister, Pimentel, Wiher, Cotterell: Locally Typical Sampling, arXiv 2202.00666",
     .parameters = {{.name = "p",
                     .type = ParameterType::Real,
                     .fallback = 0.9,
                     .help = "Probability the kept tokens hold together",
                     .unit = "fraction",
                     .minimum = 0.01,
                     .maximum = 1.0}},
     .needs = {"sampling"}},
    Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
      return std::make_unique<Typical>(s.real("p"));
    }));

}  // namespace
}  // namespace ts
