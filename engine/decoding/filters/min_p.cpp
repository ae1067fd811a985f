// SPDX-License-Identifier: GPL-3.0-or-later
// Min-p: tokens at least p times as likely as the likeliest one. In logits z >= max z + ln p, so neither softmax nor
// sort. Verified in numpy by the formula of transformers 5.23's MinPLogitsWarper
// (tests/engine/decoding/filters_test.cpp).
#include <algorithm>
#include <cmath>

#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct MinP final : StatelessFilter<MinP> {
  double p;
  explicit MinP(double p) : p(p) {}
  void apply(Candidates& candidates) override {
    if (p <= 0) return;
    const double least = candidates.best().logit + std::log(p);
    std::erase_if(candidates.items, [&](const Candidate& c) { return c.logit < least; });
  }
};

const Registration registration({.id = "min-p",
                                 .family = Family::Sampling,
                                 .title = "Min-p",
                                 .help = "Drops tokens less than p times as likely as the likeliest one",
                                 .paper = "Nguyen et al.: Turning Up the Heat: Min-p Sampling, arXiv 2407.01082",
                                 .parameters = {{.name = "p",
                                                 .type = ParameterType::Real,
                                                 .fallback = 0.05,
                                                 .help = "Least probability, relative to the likeliest token's",
                                                 .unit = "fraction",
                                                 .minimum = 0.0,
                                                 .maximum = 1.0}},
                                 .needs = {"sampling"}},
                                Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
                                  return std::make_unique<MinP>(s.real("p"));
                                }));

}  // namespace
}  // namespace ts
