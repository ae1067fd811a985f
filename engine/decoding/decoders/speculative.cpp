// SPDX-License-Identifier: GPL-3.0-or-later
// Speculative decoding: a drafter proposes tokens, one pass of the model checks them all, a lossless rule keeps a
// prefix. Arg-max (no filter of the chain needs a draw): exact match, the tokens are those of `greedy`, bit for bit,
// since the result of a row does not depend on how many rows travel with it. Drawn: rejection sampling on the filtered
// distributions (Leviathan et al., arXiv 2211.17192), the tokens have the distribution of `sample`, though not its
// random numbers.
//
// Shapes: one pass runs 1 + drafted tokens, never more than Session::draftLimit(), so drafts shrink before an eviction
// boundary and the context's end. Counts: draft.proposed, draft.accepted, draft.accepted_by_position.K (K from 1),
// verify.steps, tokens_per_step (tokens that came out / passes), draft.ms and verify.ms (what they took together:
// speculation pays when (draft.ms + verify.ms) / steps is less than tokens_per_step plain steps). Verified: equality
// with greedy and the acceptance measured in resources/models/ts-2m-draft/speculative-ts-16m.json
// (tests/engine/decoding/models_test.cpp), the distribution by a chi-square test (verify_test.cpp).
#include <algorithm>
#include <chrono>

#include "engine/decoding/choice.h"
#include "engine/decoding/decoder.h"
#include "engine/decoding/verifiers/verify.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

using Clock = std::chrono::steady_clock;
double milliseconds(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

class Speculative final : public Decoder {
 public:
  Speculative(std::unique_ptr<Drafter> drafter, std::int64_t length) : drafter_(std::move(drafter)), length_(length) {}

  Result<void> prepare(const DecodeSetup& setup) override { return drafter_->prepare(setup); }

  Result<int> begin(DecodeContext& context, std::span<const float> logits) override {
    counts_.assign(static_cast<std::size_t>(length_), nullptr);
    for (std::int64_t i = 0; i < length_; ++i)
      counts_[static_cast<std::size_t>(i)] =
          &(context.engaged["draft.accepted_by_position." + std::to_string(i + 1)] = 0);
    proposed_ = &(context.engaged["draft.proposed"] = 0);
    accepted_ = &(context.engaged["draft.accepted"] = 0);
    steps_ = &(context.engaged["verify.steps"] = 0);
    perStep_ = &(context.engaged["tokens_per_step"] = 0);
    begun_ = false;
    draftMs_ = &(context.engaged["draft.ms"] = 0);
    verifyMs_ = &(context.engaged["verify.ms"] = 0);
    if (context.sampling) choice_.countInto(context.engaged);
    TS_TRY(next_, chooseNext(context, choice_, logits, context.sampling));
    return next_;
  }

  Result<void> next(DecodeContext& context, std::vector<int>& tokens) override {
    const auto start = Clock::now();
    // The drafter reads the prompt here, not before the first token is out.
    if (!begun_) TS_CHECK(drafter_->begin(context.session.tokens()));
    begun_ = true;
    draft_.clear();
    if (const std::int64_t limit = std::min(length_, context.session.draftLimit() - 1); limit > 0)
      TS_CHECK(drafter_->propose({.committed = context.session.tokens(),
                                  .next = next_,
                                  .limit = limit,
                                  .sampling = context.sampling,
                                  .chain = context.chain,
                                  .random = context.random},
                                 draft_));
    const auto drafted = Clock::now();
    below(next_);
    TS_CHECK(context.session.decode(tree_));
    tokens.clear();
    const Accept accept = [&](int token) {
      context.chain.accept(token);
      tokens.push_back(token);
      if (context.scores) context.scores->push_back(logProbability(context.session.logits(node_), token));
    };
    TS_CHECK(context.sampling ? verifyDrawn(context, accept) : verifyLikeliest(context, accept));
    context.session.commit(verdict_.path);
    next_ = verdict_.next;
    const auto verified = Clock::now();
    TS_CHECK(drafter_->accepted(context.session.tokens()));
    *draftMs_ += milliseconds(drafted - start + (Clock::now() - verified));
    *verifyMs_ += milliseconds(verified - drafted);
    count(tokens.size());
    return {};
  }

  std::uint64_t bytes() const override { return drafter_->bytes(); }

 private:
  /// The draft below `root`: what the model runs, and per node the distribution it was drawn from.
  void below(int root) {
    tree_.tokens.assign(1, root);
    tree_.parents.assign(1, -1);
    distributions_.clear();
    distributions_.emplace_back();
    for (std::size_t i = 0; i < draft_.size(); ++i) {
      tree_.tokens.push_back(draft_.tree.tokens[i]);
      tree_.parents.push_back(draft_.tree.parents[i] + 1);
      distributions_.push_back(std::move(draft_.distributions[i]));
    }
  }

  Result<void> verifyLikeliest(DecodeContext& context, const Accept& accept) {
    return verifyExact(
        tree_,
        [&](int node) {
          const auto logits = context.session.logits(node_ = node);
          const SamplingCost cost(context.session.ledger(), logits);
          return choice_.likeliest(logits, context.chain);
        },
        accept, verdict_);
  }

  Result<void> verifyDrawn(DecodeContext& context, const Accept& accept) {
    const DistributionAfter target = [&](int node, const Candidates*& candidates,
                                         std::vector<double>*& p) -> Result<void> {
      const auto logits = context.session.logits(node_ = node);
      const SamplingCost cost(context.session.ledger(), logits);
      TS_CHECK(choice_.distribution(logits, context.chain));
      candidates = &choice_.candidates();
      p = &choice_.probabilities();
      return {};
    };
    return rejection_.verify(tree_, distributions_, target, accept, context.random, verdict_);
  }

  void count(std::size_t out) {
    *proposed_ += static_cast<double>(draft_.size());
    *accepted_ += static_cast<double>(verdict_.path.size() - 1);
    for (std::size_t i = 1; i < verdict_.path.size(); ++i) *counts_[i - 1] += 1;
    *perStep_ = (*perStep_ * *steps_ + static_cast<double>(out)) / (*steps_ + 1);
    *steps_ += 1;
  }

  std::unique_ptr<Drafter> drafter_;
  std::int64_t length_;
  int next_ = 0;  ///< chosen, not yet run
  int node_ = 0;  ///< the node verification stands at
  bool begun_ = false;
  Choice choice_;
  RejectionVerifier rejection_;
  Draft draft_;
  DraftTree tree_;
  std::vector<std::vector<TokenProbability>> distributions_;
  Verdict verdict_;
  double *proposed_ = nullptr, *accepted_ = nullptr, *steps_ = nullptr, *perStep_ = nullptr, *draftMs_ = nullptr,
         *verifyMs_ = nullptr;
  std::vector<double*> counts_;
};

Result<std::unique_ptr<Decoder>> make(const Settings& settings) {
  StrategySpec spec{settings.text("drafter"), {}};
  for (const Parameter* p : registry().parametersOf(Family::Drafter, spec))
    spec.values[p->name] = settings.values().at(p->name);
  TS_TRY(auto drafter, registry().make<Drafter>(Family::Drafter, spec));
  return std::make_unique<Speculative>(std::move(drafter), settings.integer("length"));
}

const Registration registration(
    {.id = "speculative",
     .family = Family::Decoding,
     .title = "Speculative decoding",
     .help = "A cheap drafter guesses ahead, the model checks the guesses in one pass; the text stays the model's own",
     .paper = "Leviathan, Kalman, Matias: Fast Inference from Transformers via Speculative Decoding, arXiv 2211.17192",
     .parameters = {{.name = "drafter",
                     .type = ParameterType::Strategy,
                     .fallback = std::string("ngram"),
                     .help = "Who guesses",
                     .family = Family::Drafter},
                    {.name = "length",
                     .type = ParameterType::Integer,
                     .fallback = std::int64_t{4},
                     .help = "Tokens guessed before each check, at most",
                     .unit = "tokens",
                     .minimum = 1,
                     .maximum = 15}},
     .offers = {"sampling"}},
    Make<Decoder>(make));

}  // namespace
}  // namespace ts
