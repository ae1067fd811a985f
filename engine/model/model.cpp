// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/model.h"

#include <set>

namespace ts {

std::string_view name(Role role) {
  switch (role) {
    case Role::Q: return "q";
    case Role::K: return "k";
    case Role::V: return "v";
    case Role::O: return "o";
    case Role::Gate: return "gate";
    case Role::Up: return "up";
    case Role::Down: return "down";
  }
  return "?";
}

Linear& Block::linear(Role role) {
  switch (role) {
    case Role::Q: return q;
    case Role::K: return k;
    case Role::V: return v;
    case Role::O: return o;
    case Role::Gate: return gate;
    case Role::Up: return up;
    case Role::Down: break;
  }
  return down;
}

std::uint64_t Model::weightBytes() const {
  std::set<const Matrix*> seen;
  std::uint64_t sum = positions.size() * sizeof(float);
  const auto count = [&](const Linear& linear) {
    if (linear.weight && seen.insert(linear.weight.get()).second) sum += linear.weight->bytes();
    sum += linear.bias.size() * sizeof(float);
  };
  const auto countNorm = [&](const Norm& norm) { sum += (norm.weight.size() + norm.bias.size()) * sizeof(float); };
  count(Linear{embedding, {}});
  for (const Block& block : blocks) {
    for (const Role role : kRoles) count(block.linear(role));
    for (const Norm* norm : {&block.attentionNorm, &block.attentionPostNorm, &block.mlpNorm, &block.mlpPostNorm, &block.qNorm, &block.kNorm}) countNorm(*norm);
  }
  countNorm(finalNorm);
  count(head);
  return sum;
}

}  // namespace ts
