// SPDX-License-Identifier: GPL-3.0-or-later
// Best-of-n: n continuations are drawn, the one the model itself finds likeliest is the answer; by mean log-probability
// per token (length does not matter) or by their sum (the likeliest sequence). The model judges its own unfiltered
// distribution, so a chain that flattens it (temperature) widens the choice without moving the judge.
// Verified in tests/engine/decoding/searches_test.cpp.
#include <algorithm>
#include <numeric>

#include "engine/decoding/search.h"
#include "engine/registry/registry.h"

namespace ts {

double meanLogProbability(const SearchCandidate& candidate) {
  const auto& l = candidate.logProbabilities;
  return l.empty() ? 0.0 : std::accumulate(l.begin(), l.end(), 0.0) / static_cast<double>(l.size());
}

namespace {

class BestOf final : public Search {
 public:
  BestOf(int n, bool sum) : n_(n), sum_(sum) {}
  int candidates() const override { return n_; }
  std::size_t choose(std::span<const SearchCandidate> candidates,
                     std::map<std::string, double>& counts) const override {
    const auto score = [&](const SearchCandidate& c) {
      return meanLogProbability(c) * (sum_ ? static_cast<double>(c.logProbabilities.size()) : 1.0);
    };
    const auto best =
        std::max_element(candidates.begin(), candidates.end(), [&](auto& a, auto& b) { return score(a) < score(b); });
    double mean = 0;
    for (const auto& c : candidates) mean += score(c) / static_cast<double>(candidates.size());
    counts["search.best_score"] = score(*best);
    counts["search.mean_score"] = mean;
    return static_cast<std::size_t>(best - candidates.begin());
  }

 private:
  int n_;
  bool sum_;
};

const Registration registration(
    {.id = "best-of",
     .family = Family::Search,
     .title = "Best of n",
     .help = "Draws n continuations and keeps the one the model finds likeliest",
     .paper = "Stiennon et al.: Learning to Summarize from Human Feedback, arXiv 2009.01325",
     .parameters = {{.name = "n",
                     .type = ParameterType::Integer,
                     .fallback = std::int64_t{4},
                     .help = "Continuations drawn",
                     .minimum = 1,
                     .maximum = 256,
                     .scale = Scale::Logarithmic},
                    {.name = "score",
                     .type = ParameterType::Choice,
                     .fallback = std::string("mean"),
                     .help = "Log-probability per token (mean) or of the whole text (sum)",
                     .choices = {"mean", "sum"}}},
     .needs = {"sampling"}},
    Make<Search>([](const Settings& s) -> Result<std::unique_ptr<Search>> {
      return std::make_unique<BestOf>(static_cast<int>(s.integer("n")), s.text("score") == "sum");
    }));

}  // namespace
}  // namespace ts
