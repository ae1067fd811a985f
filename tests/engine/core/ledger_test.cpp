// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/ledger.h"

#include <gtest/gtest.h>

namespace ts {
namespace {

TEST(Ledger, CountsTheRunAndEachLayerOfIt) {
  Ledger ledger;
  ledger.add(Operation::Embedding, {.bytes = 1, .operations = 2, .nanoseconds = 3, .calls = 1});
  for (int layer = 0; layer < 3; ++layer) {
    const Ledger::InLayer in(ledger, layer);
    ledger.add(Operation::Linear, {.bytes = 10, .operations = 20, .nanoseconds = 30, .calls = 1});
    if (layer == 1) ledger.add(Operation::Attention, {.bytes = 100, .operations = 0, .nanoseconds = 5, .calls = 1});
  }
  ledger.add(Operation::Head, {.bytes = 1000, .operations = 1, .nanoseconds = 1, .calls = 1});

  ASSERT_EQ(ledger.layers(), 3);
  EXPECT_EQ(ledger.of(Operation::Linear).bytes, 30u);
  EXPECT_EQ(ledger.of(1, Operation::Linear).operations, 20u);
  EXPECT_EQ(ledger.of(1, Operation::Attention).bytes, 100u);
  EXPECT_EQ(ledger.of(2, Operation::Attention).calls, 0u);
  EXPECT_EQ(ledger.of(0, Operation::Head).bytes, 0u) << "the head belongs to no layer";
  EXPECT_EQ(ledger.total().bytes, 1131u);

  ledger.clear();
  EXPECT_EQ(ledger.total().nanoseconds, 0u);
  EXPECT_EQ(ledger.of(1, Operation::Attention).bytes, 0u);
}

}  // namespace
}  // namespace ts
