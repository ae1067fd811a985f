// SPDX-License-Identifier: GPL-3.0-or-later
// A small model of the same vocabulary as drafter (Leviathan et al., arXiv 2211.17192). It has its own session, kept in
// step with the target's by its own commits: `next` is certain, so it is run as a committed token; drafted tokens stay
// uncommitted until the target has accepted them. The chain filters its distributions as it does the target's.
// `confidence` stops a draft whose next token would be less likely than that (as assistant_confidence_threshold in
// Hugging Face transformers): the decision is made before the token is drawn, so sampling stays lossless. Refused: a
// draft model whose tokenizer spells any id differently from the target's. Verified in
// tests/engine/decoding/models_test.cpp.
#include <algorithm>
#include <numeric>

#include "engine/decoding/choice.h"
#include "engine/decoding/decoder.h"
#include "engine/formats/tokenizer.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

Result<void> sameVocabulary(const Model& target, const Model& draft, const std::string& source) {
  const std::string where = "drafter model, draft=" + source;
  const auto refuse = [&](const std::string& reason) {
    return fail(ErrorKind::Refused, "the draft model's vocabulary must be the target's: " + reason, where);
  };
  if (!target.tokenizer || !draft.tokenizer) {
    if (static_cast<bool>(target.tokenizer) != static_cast<bool>(draft.tokenizer))
      return refuse("one of them has no tokenizer");
    if (target.config.vocabulary != draft.config.vocabulary)
      return refuse(std::to_string(draft.config.vocabulary) + " tokens instead of " +
                    std::to_string(target.config.vocabulary));
    return {};
  }
  if (target.tokenizer->vocabularySize() != draft.tokenizer->vocabularySize())
    return refuse(std::to_string(draft.tokenizer->vocabularySize()) + " tokens instead of " +
                  std::to_string(target.tokenizer->vocabularySize()));
  for (int id = 0; id < target.tokenizer->vocabularySize(); ++id)
    if (target.tokenizer->piece(id) != draft.tokenizer->piece(id))
      return refuse("token " + std::to_string(id) + " is '" + std::string(draft.tokenizer->piece(id)) + "', not '" +
                    std::string(target.tokenizer->piece(id)) + "'");
  return {};
}

class ModelDrafter final : public Drafter {
 public:
  ModelDrafter(std::string source, double confidence) : source_(std::move(source)), confidence_(confidence) {}

  Result<void> prepare(const DecodeSetup& setup) override {
    TS_TRY(model_, setup.load(source_));
    TS_CHECK(sameVocabulary(*setup.model, *model_, source_));
    vocabulary_ = static_cast<std::size_t>(std::min(setup.model->config.vocabulary, model_->config.vocabulary));
    TS_TRY(session_, Session::open(model_, setup.pool, {.activations = setup.activations}));
    return {};
  }

  Result<void> begin(std::span<const int>) override {
    session_->reset();
    return {};
  }

  Result<void> propose(const DraftRequest& request, Draft& draft) override {
    const std::int64_t room = model_->config.contextLength - static_cast<std::int64_t>(request.committed.size()) - 1;
    const std::int64_t limit = std::min(request.limit, room);
    if (limit <= 0) return {};
    unread_.assign(request.committed.begin() + session_->position(), request.committed.end());
    unread_.push_back(request.next);
    const auto last = static_cast<std::int64_t>(unread_.size()) - 1;
    bool going = true;
    Result<void> failure;
    const auto extend = [&](std::span<const float> logits) {
      if (auto token = choose(logits.first(std::min(logits.size(), vocabulary_)), request, draft); !token)
        failure = tl::unexpected(std::move(token).error());
      else
        going = *token;
    };
    TS_CHECK(session_->prefill(unread_, last, [&](std::int64_t, std::span<const float> logits) { extend(logits); }));
    while (failure && going && static_cast<std::int64_t>(draft.size()) < limit) {
      TS_CHECK(session_->decode(draft.tree));
      extend(session_->logits(static_cast<int>(draft.size()) - 1));
    }
    request.chain.rollback(static_cast<std::int64_t>(draft.size()));
    return failure;
  }

  Result<void> accepted(std::span<const int> tokens) override {
    // The session holds the committed tokens up to the last `next`, and as its uncommitted draft all proposed tokens
    // but the last. What the target took over of those is committed; the rest is dropped.
    path_.clear();
    const auto from = static_cast<std::size_t>(session_->position());
    for (std::size_t i = 0; i < ran_.size() && from + i < tokens.size() && tokens[from + i] == ran_[i]; ++i)
      path_.push_back(static_cast<int>(i));
    session_->commit(path_);
    ran_.clear();
    return {};
  }

  std::uint64_t bytes() const override {
    return model_ ? model_->weightBytes() + session_->memory().kv + session_->memory().scratch : 0;
  }

 private:
  /// Adds the next token to the draft; false: the draft model is not confident enough to go on.
  Result<bool> choose(std::span<const float> logits, const DraftRequest& request, Draft& draft) {
    if (draft.size() > 0) ran_ = draft.tree.tokens;
    const int parent = static_cast<int>(draft.size()) - 1;
    const bool wantsProbabilities = request.sampling || confidence_ > 0;
    int token = 0;
    if (wantsProbabilities) {
      TS_CHECK(choice_.distribution(logits, request.chain));
      const auto& p = choice_.probabilities();
      const auto likeliest = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
      if (p[likeliest] < confidence_) return false;
      token = choice_.candidates().items[request.sampling ? draw(p, request.random) : likeliest].id;
    } else {
      TS_TRY(token, choice_.likeliest(logits, request.chain));
    }
    draft.add(token, parent);
    if (request.sampling) {
      auto& q = draft.distributions.back();
      const auto& items = choice_.candidates().items;
      q.reserve(items.size());
      for (std::size_t i = 0; i < items.size(); ++i) q.push_back({items[i].id, choice_.probabilities()[i]});
    }
    request.chain.accept(token);
    return true;
  }

  std::string source_;
  double confidence_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
  std::size_t vocabulary_ = 0;
  Choice choice_;
  std::vector<int> unread_, ran_, path_;  ///< ran_: the session's uncommitted tokens
};

const Registration registration(
    {.id = "model",
     .family = Family::Drafter,
     .title = "Draft model",
     .help = "A small model of the same vocabulary guesses",
     .paper = "Leviathan, Kalman, Matias: Fast Inference from Transformers via Speculative Decoding, arXiv 2211.17192",
     .parameters = {{.name = "draft",
                     .type = ParameterType::Text,
                     .fallback = std::string("embedded:ts-2m-draft"),
                     .help = "Path of the draft model, or embedded:NAME",
                     .namesModel = true},
                    {.name = "confidence",
                     .type = ParameterType::Real,
                     .fallback = 0.0,
                     .help = "Stops guessing when the draft model's likeliest token is less likely than this",
                     .unit = "fraction",
                     .minimum = 0.0,
                     .maximum = 1.0}}},
    Make<Drafter>([](const Settings& s) -> Result<std::unique_ptr<Drafter>> {
      return std::make_unique<ModelDrafter>(s.text("draft"), s.real("confidence"));
    }));

}  // namespace
}  // namespace ts
