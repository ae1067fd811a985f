// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/decoding/choice.h"
#include "engine/decoding/decoder.h"

namespace ts {

/// One model pass a token: what greedy and sample share. Allocates nothing per token once its buffers have grown.
class Stepwise final : public Decoder {
 public:
  explicit Stepwise(bool sampling) : sampling_(sampling) {}
  Result<int> begin(DecodeContext& context, std::span<const float> logits) override;
  Result<void> next(DecodeContext& context, std::vector<int>& tokens) override;

 private:
  Result<int> choose(DecodeContext& context, std::span<const float> logits);
  bool sampling_;
  Choice choice_;
  DraftTree step_{{0}, {-1}};
  int last_ = 0;
};

}  // namespace ts
