// SPDX-License-Identifier: GPL-3.0-or-later
// Sampling: each token is drawn from the distribution that the filter chain leaves; with an empty chain from the
// model's own.
#include "engine/decoding/decoders/stepwise.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

const Registration registration({.id = "sample",
                                 .family = Family::Decoding,
                                 .title = "Sampling",
                                 .help = "Draws each token from what the filters leave; the seed decides",
                                 .offers = {"sampling"}},
                                Make<Decoder>([](const Settings&) -> Result<std::unique_ptr<Decoder>> {
                                  return std::make_unique<Stepwise>(true);
                                }));

}  // namespace
}  // namespace ts
