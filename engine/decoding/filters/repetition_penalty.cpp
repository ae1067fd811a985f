// SPDX-License-Identifier: GPL-3.0-or-later
// Repetition penalty (CTRL): the logit of every token seen before, in the prompt or since, is divided by `penalty` when
// positive and multiplied by it when negative. `last` bounds the memory to the most recent tokens (0: all of them).
// It changes which token is the likeliest, so it works with greedy decoding too.
// Verified in numpy by the formula of transformers 5.23's RepetitionPenaltyLogitsProcessor
// (tests/engine/decoding/filters_test.cpp).
#include <algorithm>
#include <cassert>
#include <vector>

#include "engine/decoding/filter.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

class RepetitionPenalty final : public LogitFilter {
 public:
  RepetitionPenalty(float penalty, std::size_t last) : penalty_(penalty), last_(last) {}

  void apply(Candidates& candidates) override {
    if (penalty_ == 1.0f) return;
    for (Candidate& c : candidates.items)
      if (static_cast<std::size_t>(c.id) < counts_.size() && counts_[static_cast<std::size_t>(c.id)] > 0)
        c.logit = c.logit < 0 ? c.logit * penalty_ : c.logit / penalty_;
    candidates.sorted = candidates.items.size() < 2;
  }
  void accept(int token) override {
    if (static_cast<std::size_t>(token) >= counts_.size()) counts_.resize(static_cast<std::size_t>(token) + 1);
    ++count(token);
    history_.push_back(token);
    if (last_ > 0 && history_.size() > last_) --count(history_[history_.size() - 1 - last_]);
  }
  void rollback(std::int64_t tokens) override {
    assert(tokens >= 0 && static_cast<std::size_t>(tokens) <= history_.size());
    for (; tokens > 0; --tokens) {
      if (last_ > 0 && history_.size() > last_) ++count(history_[history_.size() - 1 - last_]);
      --count(history_.back());
      history_.pop_back();
    }
  }
  std::unique_ptr<LogitFilter> clone() const override { return std::make_unique<RepetitionPenalty>(*this); }

 private:
  int& count(int token) { return counts_[static_cast<std::size_t>(token)]; }

  float penalty_;
  std::size_t last_;
  std::vector<int> history_;
  std::vector<int> counts_;  ///< of each token within the window
};

const Registration registration(
    {.id = "repetition-penalty",
     .family = Family::Sampling,
     .title = "Repetition penalty",
     .help = "Makes tokens of the prompt and of the text so far less likely",
     .paper = "Keskar et al.: CTRL: A Conditional Transformer Language Model, arXiv 1909.05858",
     .parameters = {{.name = "penalty",
                     .type = ParameterType::Real,
                     .fallback = 1.1,
                     .help =
                         "Positive logits are divided by it, negative ones multiplied; below 1 it rewards repetition",
                     .minimum = 0.1,
                     .maximum = 10.0,
                     .scale = Scale::Logarithmic},
                    {.name = "last",
                     .type = ParameterType::Integer,
                     .fallback = std::int64_t{0},
                     .help = "Only the most recent tokens count; 0: all",
                     .unit = "tokens",
                     .minimum = 0,
                     .maximum = 1000000}}},
    Make<LogitFilter>([](const Settings& s) -> Result<std::unique_ptr<LogitFilter>> {
      return std::make_unique<RepetitionPenalty>(static_cast<float>(s.real("penalty")),
                                                 static_cast<std::size_t>(s.integer("last")));
    }));

}  // namespace
}  // namespace ts
