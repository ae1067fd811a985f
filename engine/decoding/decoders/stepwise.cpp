// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/decoders/stepwise.h"

#include <array>

namespace ts {

Result<int> Stepwise::begin(DecodeContext& context, std::span<const float> logits) {
  if (context.sampling && !sampling_)
    return fail(ErrorKind::Refused,
                "'greedy' takes the likeliest token; a filter of this plan shapes a draw that never happens",
                "--decode greedy");
  if (sampling_) choice_.countInto(context.engaged);
  return choose(context, logits);
}

Result<void> Stepwise::next(DecodeContext& context, std::vector<int>& tokens) {
  static constexpr std::array<int, 1> kPath{0};
  step_.tokens[0] = last_;
  TS_CHECK(context.session.decode(step_));
  TS_TRY(const int token, choose(context, context.session.logits(0)));
  context.session.commit(kPath);
  tokens.assign(1, token);
  return {};
}

Result<int> Stepwise::choose(DecodeContext& context, std::span<const float> logits) {
  TS_TRY(last_, chooseNext(context, choice_, logits, sampling_));
  return last_;
}

}  // namespace ts
