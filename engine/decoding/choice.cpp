// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/choice.h"

#include <algorithm>
#include <cmath>

#include "engine/decoding/decoder.h"
#include "engine/kernels/vector.h"

namespace ts {
namespace {

tl::unexpected<Error> notFinite() {
  return fail(ErrorKind::Internal,
              "the model's logits are not finite numbers; a weight or key/value strategy of this plan broke the model",
              "decode");
}

}  // namespace

Result<int> argMax(std::span<const float> logits) {
  const std::int64_t best = firstOfLargest(logits.data(), static_cast<std::int64_t>(logits.size()));
  if (best < 0 || !std::isfinite(logits[static_cast<std::size_t>(best)])) return notFinite();
  return static_cast<int>(best);
}

double logProbability(std::span<const float> logits, int token) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float z : logits) sum += std::exp(z - top);
  return logits[static_cast<std::size_t>(token)] - top - std::log(sum);
}

Result<int> Choice::likeliest(std::span<const float> logits, FilterChain& chain) {
  if (chain.empty()) return argMax(logits);
  TS_CHECK(argMax(logits));
  candidates_.assign(logits);
  chain.apply(candidates_);
  return candidates_.best().id;
}

Result<void> Choice::distribution(std::span<const float> logits, FilterChain& chain) {
  TS_CHECK(argMax(logits));
  candidates_.assign(logits);
  chain.apply(candidates_);
  candidates_.probabilities(probabilities_);
  if (meanLeft_) *meanLeft_ += (static_cast<double>(candidates_.items.size()) - *meanLeft_) / ++rows_;
  return {};
}

void Choice::countInto(std::map<std::string, double>& engaged) {
  meanLeft_ = &(engaged["sample.candidates"] = 0);
  rows_ = 0;
}

Result<int> Choice::drawn(std::span<const float> logits, FilterChain& chain, std::mt19937_64& random) {
  TS_CHECK(distribution(logits, chain));
  return candidates_.items[draw(probabilities_, random)].id;
}

Result<int> chooseNext(DecodeContext& context, Choice& choice, std::span<const float> logits, bool drawn) {
  const SamplingCost cost(context.session.ledger(), logits);
  TS_TRY(const int token,
         drawn ? choice.drawn(logits, context.chain, context.random) : choice.likeliest(logits, context.chain));
  context.chain.accept(token);
  if (context.scores) context.scores->push_back(logProbability(logits, token));
  return token;
}

}  // namespace ts
