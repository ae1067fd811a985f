// SPDX-License-Identifier: GPL-3.0-or-later
// Top-H (bounded entropy): tokens are taken by falling probability while the entropy of the kept set stays within alpha
// times the entropy H(p) of the whole distribution; at least one, at most top_n. The entropy of a prefix grows with
// every token (a new one of share l <= 1/(k+1) adds h(l) - l H >= l (ln(k+1) - H) >= 0), so the first token over the
// bound ends it.
//
// Two readings of "the entropy of the kept set" exist:
//   kept        H(q) of the kept tokens renormalized, against alpha H(p) of every token: the paper's formula;
//   cumulative  the partial sum of -p ln p over the kept tokens, against alpha times its sum over the top_n, p
//   renormalized
//               over the top_n: what the authors' code and Hugging Face transformers (pull request 40837) compute.
//               Keeps more.
// Verified in numpy: cumulative by the formula of transformers 5.23's TopHLogitsWarper, kept by the paper's
// (tests/engine/decoding/filters_test.cpp).
#include <algorithm>
#include <cmath>

#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct TopH final : StatelessFilter<TopH> {
  double alpha;
  std::size_t topN;
  bool cumulative;
  TopH(double alpha, std::size_t topN, bool cumulative) : alpha(alpha), topN(topN), cumulative(cumulative) {}

  // With w = exp(z - max z), S = sum w and T = sum w ln w over a set, its entropy is ln S - T / S.
  struct Sums {
    double s = 0, t = 0;
    void add(double logit) {
      const double w = std::exp(logit);
      s += w;
      if (w > 0) t += w * logit;
    }
    double entropy() const { return std::log(s) - t / s; }
  };

  void apply(Candidates& candidates) override {
    candidates.sortFront(topN);
    const std::size_t limit = std::min(topN, candidates.items.size());
    const double top = candidates.items.front().logit;
    Sums whole;
    for (std::size_t i = 0; i < (cumulative ? limit : candidates.items.size()); ++i)
      whole.add(candidates.items[i].logit - top);
    const double bound = alpha * whole.entropy();
    Sums kept;
    kept.add(candidates.items.front().logit - top);
    std::size_t n = 1;
    for (; n < limit; ++n) {
      kept.add(candidates.items[n].logit - top);
      // cumulative: sum over the kept of -(w / S) ln(w / S) = (s ln S - t) / S, S of the whole
      if ((cumulative ? (kept.s * std::log(whole.s) - kept.t) / whole.s : kept.entropy()) > bound) break;
    }
    candidates.keepFront(n);
    candidates.sorted = true;
  }
};

const Registration registration(
    {.id = "top-h",
     .family = Family::Sampling,
     .title = "Top-H (bounded entropy)",
     .help = "Keeps the likeliest tokens while their entropy stays within a share of the whole distribution's",
     .paper = "Top-H Decoding: Adapting the Creativity and Coherence with Bounded Entropy in Text Generation, arXiv "
              "2509.02510",
     .parameters = {{.name = "alpha",
                     .type = ParameterType::Real,
                     .fallback = 0.4,
                     .help = "Entropy allowed, as a share of the whole distribution's",
                     .unit = "fraction",
                     .minimum = 0.01,
                     .maximum = 1.0},
                    {.name = "top_n",
                     .type = ParameterType::Integer,
                     .fallback = std::int64_t{100},
                     .help = "Tokens considered at most",
                     .unit = "tokens",
                     .minimum = 1,
                     .maximum = 100000,
                     .scale = Scale::Logarithmic},
                    {.name = "entropy",
                     .type = ParameterType::Choice,
                     .fallback = std::string("kept"),
                     .help = "kept: of the kept tokens renormalized, as in the paper; cumulative: partial sums, as in "
                             "Hugging Face transformers",
                     .choices = {"kept", "cumulative"}}},
     .needs = {"sampling"}},
    Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
      return std::make_unique<TopH>(s.real("alpha"), static_cast<std::size_t>(s.integer("top_n")),
                                    s.text("entropy") == "cumulative");
    }));

}  // namespace
}  // namespace ts
