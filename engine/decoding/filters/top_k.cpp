// SPDX-License-Identifier: GPL-3.0-or-later
// Top-k: only the k likeliest tokens remain. Of equal logits at the border the lower ids stay (transformers keeps them
// all). Verified in numpy by the formula of transformers 5.23's TopKLogitsWarper
// (tests/engine/decoding/filters_test.cpp).
#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct TopK final : StatelessFilter<TopK> {
  std::size_t k;
  explicit TopK(std::size_t k) : k(k) {}
  void apply(Candidates& candidates) override {
    if (k >= candidates.items.size()) return;
    candidates.sortFront(k);
    candidates.keepFront(k);
    candidates.sorted = true;
  }
};

const Registration registration({.id = "top-k",
                                 .family = Family::Sampling,
                                 .title = "Top-k",
                                 .help = "Draws from the k likeliest tokens only",
                                 .paper = "Fan, Lewis, Dauphin: Hierarchical Neural Story Generation, arXiv 1805.04833",
                                 .parameters = {{.name = "k",
                                                 .type = ParameterType::Integer,
                                                 .fallback = std::int64_t{40},
                                                 .help = "Tokens that remain",
                                                 .unit = "tokens",
                                                 .minimum = 1,
                                                 .maximum = 100000,
                                                 .scale = Scale::Logarithmic}},
                                 .needs = {"sampling"}},
                                Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
                                  return std::make_unique<TopK>(static_cast<std::size_t>(s.integer("k")));
                                }));

}  // namespace
}  // namespace ts
