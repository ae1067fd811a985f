// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry/registry.h"
#include "engine/transforms/transform.h"

namespace ts {

/// Strategies of known parameters, whatever the engine has: weights t-quant, t-prune; kv t-evict (needs "causal"),
/// t-picky (needs "magic"); decode t-speculate, t-guess (names a draft model). They cannot be made, only named. Safe to call more than once.
inline void registerTestStrategies() {
  if (registry().find(Family::Weights, "t-quant")) return;
  const auto none = [](const Settings&) -> Result<std::unique_ptr<WeightTransform>> {
    return fail(ErrorKind::Unsupported, "only a name");
  };
  const auto integer = [](const char* name, std::int64_t fallback, double low, double high,
                          Scale scale = Scale::Linear) {
    return Parameter{.name = name,
                     .type = ParameterType::Integer,
                     .fallback = fallback,
                     .help = "",
                     .minimum = low,
                     .maximum = high,
                     .scale = scale};
  };
  const auto add = [&](const char* id, Family family, std::vector<Parameter> parameters,
                       std::vector<std::string> needs = {}) {
    if (!registry().find(family, id))
      Registration({.id = id,
                    .family = family,
                    .title = id,
                    .help = id,
                    .parameters = std::move(parameters),
                    .needs = std::move(needs)},
                   Make<WeightTransform>(none));
  };
  add("t-quant", Family::Weights,
      {integer("group", 32, 1, 1024, Scale::Logarithmic),
       {.name = "symmetric", .type = ParameterType::Boolean, .fallback = false},
       {.name = "note", .type = ParameterType::Text, .fallback = std::string("x")}});
  add("t-prune", Family::Weights,
      {{.name = "sparsity", .type = ParameterType::Real, .fallback = 0.5, .minimum = 0.0, .maximum = 1.0}});
  add("t-evict", Family::KeyValue, {integer("sinks", 4, 0, 100)}, {"causal"});
  add("t-picky", Family::KeyValue, {}, {"magic"});
  add("t-speculate", Family::Decoding, {integer("length", 4, 1, 16)});
  add("t-guess", Family::Decoding,
      {{.name = "draft", .type = ParameterType::Text, .fallback = std::string("tiny"), .namesModel = true}});
  add("greedy", Family::Decoding, {});
}

}  // namespace ts
