// SPDX-License-Identifier: GPL-3.0-or-later
// Greedy decoding: the likeliest token, the lowest id among equals. Penalties of the chain act before the choice;
// filters that only shape a draw ("sampling") would do nothing here and are refused by the capability check. Verified
// against the greedy continuations of resources/models/ts-16m/reference.json (tests/engine/decoding/models_test.cpp).
#include "engine/decoding/decoders/stepwise.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

const Registration registration({.id = "greedy",
                                 .family = Family::Decoding,
                                 .title = "Greedy",
                                 .help = "Always the likeliest token; the same text every time"},
                                Make<Decoder>([](const Settings&) -> Result<std::unique_ptr<Decoder>> {
                                  return std::make_unique<Stepwise>(false);
                                }));

}  // namespace
}  // namespace ts
