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
  struct Distance {
    double fromEntropy, probability;
    Candidate candidate;
  };
  double mass;
  std::vector<double> p;
  std::vector<Distance> order;
  explicit Typical(double mass) : mass(mass) {}

  void apply(Candidates& candidates) override {
    if (mass >= 1.0) return;
    candidates.probabilities(p);
    order.resize(p.size());
    double entropy = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double surprise = p[i] > 0 ? -std::log(p[i]) : HUGE_VAL;
      if (p[i] > 0) entropy += p[i] * surprise;
      order[i] = {surprise, p[i], candidates.items[i]};
    }
    for (Distance& d : order) d.fromEntropy = std::abs(d.fromEntropy - entropy);
    const auto nearer = [](const Distance& a, const Distance& b) {
      return a.fromEntropy != b.fromEntropy ? a.fromEntropy < b.fromEntropy : a.candidate.id < b.candidate.id;
    };
    // The kept set is usually small: sort a little more of the list until its mass is reached.
    candidates.items.clear();
    candidates.sorted = false;
    double sum = 0;
    for (std::size_t done = 0, front = 64; done < order.size() && sum < mass; front *= 4) {
      const auto begin = order.begin() + static_cast<std::ptrdiff_t>(done);
      const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(front, order.size()));
      if (end != order.end()) std::nth_element(begin, end, order.end(), nearer);
      std::sort(begin, end, nearer);
      for (; done < std::min(front, order.size()) && sum < mass; ++done) {
        candidates.items.push_back(order[done].candidate);
        sum += order[done].probability;
      }
    }
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
