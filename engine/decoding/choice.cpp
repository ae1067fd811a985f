// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/choice.h"

#include <algorithm>
#include <cmath>

#include "engine/decoding/decoder.h"

namespace ts {
namespace {

tl::unexpected<Error> notFinite() {
  return fail(ErrorKind::Internal,
              "the model's logits are not finite numbers; a weight or key/value strategy of this plan broke the model",
              "decode");
}

}  // namespace

Result<int> argMax(std::span<const float> logits) {
  // Four running maxima: the loop is not bound by the latency of one comparison. Each takes the first of equals, and
  // equals of different lanes are settled by index.
  int best[4] = {-1, -1, -1, -1};
  float top[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
  const int n = static_cast<int>(logits.size());
  for (int i = 0; i < n; ++i) {
    const float value = logits[static_cast<std::size_t>(i)];
    if (value > top[i & 3]) top[i & 3] = value, best[i & 3] = i;
  }
  int winner = -1;
  for (int lane = 0; lane < 4; ++lane) {
    if (best[lane] < 0) continue;
    if (winner < 0 || top[lane] > top[winner] || (top[lane] == top[winner] && best[lane] < best[winner])) winner = lane;
  }
  if (winner < 0 || !std::isfinite(top[winner])) return notFinite();
  return best[winner];
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
