// SPDX-License-Identifier: GPL-3.0-or-later
// Temperature: every logit divided by t, p' = softmax(z / t). t < 1 sharpens, t > 1 flattens, t = 1 changes nothing.
// t = 0 is outside its range: choosing the likeliest token is the decode strategy `greedy`.
// Verified in numpy by the formula of transformers 5.23's TemperatureLogitsWarper
// (tests/engine/decoding/filters_test.cpp).
#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct Temperature final : StatelessFilter<Temperature> {
  float t;
  explicit Temperature(float t) : t(t) {}
  void apply(Candidates& candidates) override {
    if (t == 1.0f) return;
    for (Candidate& c : candidates.items) c.logit /= t;
  }
};

const Registration registration(
    {.id = "temperature",
     .family = Family::Sampling,
     .title = "Temperature",
     .help = "Divides the logits: below 1 safer, above 1 more surprising text",
     .paper = "Ackley, Hinton, Sejnowski: A Learning Algorithm for Boltzmann Machines, 1985",
     .parameters = {{.name = "t",
                     .type = ParameterType::Real,
                     .fallback = 0.8,
                     .help = "Divisor of the logits; for the limit 0 use the decode strategy greedy",
                     .minimum = 0.01,
                     .maximum = 10.0,
                     .scale = Scale::Logarithmic}},
     .needs = {"sampling"}},
    Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
      return std::make_unique<Temperature>(static_cast<float>(s.real("t")));
    }));

}  // namespace
}  // namespace ts
