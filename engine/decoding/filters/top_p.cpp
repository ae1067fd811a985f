// SPDX-License-Identifier: GPL-3.0-or-later
// Top-p (nucleus): the smallest set of likeliest tokens whose probabilities sum to at least p.
// Verified in numpy by the formula of transformers 5.23's TopPLogitsWarper (tests/engine/decoding/filters_test.cpp).
#include <algorithm>
#include <cmath>

#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct TopP final : StatelessFilter<TopP> {
  double p;
  explicit TopP(double p) : p(p) {}
  void apply(Candidates& candidates) override {
    if (p >= 1.0) return;
    const double top = candidates.best().logit;
    double sum = 0;
    for (const Candidate& c : candidates.items) sum += std::exp(c.logit - top);
    // The nucleus is usually small: sort a little more of the list until its mass is reached.
    double mass = 0;
    std::size_t kept = 0;
    for (std::size_t front = 64;; front *= 4) {
      front = std::min(front, candidates.items.size());
      candidates.sortFront(front);
      for (; kept < front && mass < p * sum; ++kept) mass += std::exp(candidates.items[kept].logit - top);
      if (kept < front || front == candidates.items.size() || mass >= p * sum) break;
    }
    candidates.keepFront(std::max<std::size_t>(kept, 1));
    candidates.sorted = true;
  }
};

const Registration registration(
    {.id = "top-p",
     .family = Family::Sampling,
     .title = "Top-p (nucleus)",
     .help = "Draws from the smallest set of likeliest tokens that holds the share p of all probability",
     .paper = "Holtzman et al.: The Curious Case of Neural Text Degeneration, arXiv 1904.09751",
     .parameters = {{.name = "p",
                     .type = ParameterType::Real,
                     .fallback = 0.9,
                     .help = "Probability the kept tokens hold together",
                     .unit = "fraction",
                     .minimum = 0.0,
                     .maximum = 1.0}},
     .needs = {"sampling"}},
    Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
      return std::make_unique<TopP>(s.real("p"));
    }));

}  // namespace
}  // namespace ts
