// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/lanes.h"

#include "engine/core/cpu.h"
#include "engine/model/model.h"

namespace ts {

std::size_t Workspace::bytes() const {
  std::size_t sum = 0;
  for (const auto* b : {&normed, &q, &k, &v, &attended, &projected, &gate, &up}) sum += b->size() * sizeof(float);
  return sum;
}

Lanes::Lanes(int workers, Activations activations) {
  for (int i = 0; i < workers; ++i) lanes_.push_back(std::make_unique<Lane>(activations));
}

std::size_t Lanes::bytes() const {
  std::size_t sum = 0;
  for (const auto& lane : lanes_) sum += lane->workspace.bytes() + lane->execution.scratchBytes();
  return sum;
}

void Lanes::clearLedgers() {
  for (const auto& lane : lanes_) lane->execution.ledger.clear();
}

void Lanes::addTo(Ledger& ledger, const Ledger& lastPart, std::uint64_t nanoseconds) const {
  std::uint64_t busy = 0;
  for (const auto& lane : lanes_) busy += lane->execution.ledger.total().nanoseconds;
  const double wall = busy > 0 ? static_cast<double>(nanoseconds) / static_cast<double>(busy) : 0;  // of a nanosecond of a worker
  for (int i = 0; i < static_cast<int>(Operation::Count); ++i) {
    const Operation operation = static_cast<Operation>(i);
    Cost cost;
    for (const auto& lane : lanes_) cost.add(lane->execution.ledger.of(operation));
    if (cost.calls == 0) continue;
    cost.bytes = lastPart.of(operation).bytes, cost.calls = lastPart.of(operation).calls;
    cost.nanoseconds = static_cast<std::uint64_t>(wall * static_cast<double>(cost.nanoseconds));
    ledger.add(operation, cost);
  }
}

bool Lanes::suit(const Block& block, Activations activations) {
  std::size_t bytes = 0;
  for (const Linear* linear : {&block.q, &block.k, &block.v, &block.o, &block.gate, &block.up, &block.down}) {
    if (!linear->weight) continue;
    if (linear->weight->digits(activations) != 1) return false;
    bytes += linear->weight->bytesRead();
  }
  return cached(bytes);
}

bool Lanes::cached(std::size_t bytes) { return bytes <= cpuInfo().lastLevelBytes / 2; }

}  // namespace ts
