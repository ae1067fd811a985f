// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/ledger.h"

namespace ts {

std::string_view name(Operation operation) {
  switch (operation) {
    case Operation::Embedding: return "embedding";
    case Operation::Norm: return "norm";
    case Operation::Linear: return "linear";
    case Operation::Attention: return "attention";
    case Operation::KvWrite: return "kv-write";
    case Operation::Activation: return "activation";
    case Operation::Head: return "head";
    case Operation::Sampling: return "sampling";
    case Operation::Policy: return "kv-policy";
    case Operation::Count: break;
  }
  return "?";
}

Cost Ledger::total() const {
  Cost sum;
  for (const Cost& c : sum_) sum.add(c);
  return sum;
}

void Ledger::add(const Ledger& more) {
  for (std::size_t i = 0; i < sum_.size(); ++i)
    if (more.sum_[i].calls > 0) add(static_cast<Operation>(i), more.sum_[i]);
}

void Ledger::clear() {
  sum_ = {};
  for (Costs& layer : layers_) layer = {};
}

}  // namespace ts
