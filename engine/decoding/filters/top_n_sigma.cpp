// SPDX-License-Identifier: GPL-3.0-or-later
// Top-n-sigma: tokens whose logit is within n standard deviations of the highest. The set does not depend on a
// temperature applied before, since both sides scale with it. The deviation is over the candidates still in the
// running, so the paper's rule needs this filter before any that drops tokens. Verified against the formula in numpy
// (tests/engine/decoding/filters_test.cpp).
#include <algorithm>
#include <cmath>

#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct TopNSigma final : StatelessFilter<TopNSigma> {
  double n;
  explicit TopNSigma(double n) : n(n) {}
  void apply(Candidates& candidates) override {
    double sum = 0, squares = 0;
    for (const Candidate& c : candidates.items) sum += c.logit;
    const double count = static_cast<double>(candidates.items.size()), mean = sum / count;
    for (const Candidate& c : candidates.items) squares += (c.logit - mean) * (c.logit - mean);
    const double least = candidates.best().logit - n * std::sqrt(squares / count);
    if (!std::isfinite(least)) return;
    std::erase_if(candidates.items, [&](const Candidate& c) { return c.logit < least; });
  }
};

const Registration registration({.id = "top-n-sigma",
                                 .family = Family::Sampling,
                                 .title = "Top-n-sigma",
                                 .help = "Keeps tokens whose logit is within n standard deviations of the highest",
                                 .paper = "Tang et al.: Top-n-sigma: Not All Logits Are You Need, arXiv 2411.07641",
                                 .parameters = {{.name = "n",
                                                 .type = ParameterType::Real,
                                                 .fallback = 1.0,
                                                 .help = "Standard deviations below the highest logit",
                                                 .minimum = 0.0,
                                                 .maximum = 10.0}},
                                 .needs = {"sampling"}},
                                Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
                                  return std::make_unique<TopNSigma>(s.real("n"));
                                }));

}  // namespace
}  // namespace ts
