// SPDX-License-Identifier: GPL-3.0-or-later
// A prompt's rows that go through blocks in lanes: the same results, the same account.
#include "engine/model/lanes.h"

#include <gtest/gtest.h>

#include "engine/weights/formats.h"
#include "tests/engine/session/support.h"

namespace ts {
namespace {

/// The model with maps of 8 bits.
std::shared_ptr<const Model> inBytes(const Model& model) {
  auto made = std::make_shared<Model>(model);
  for (Block& block : made->blocks)
    for (Linear* linear : {&block.q, &block.k, &block.v, &block.o, &block.gate, &block.up, &block.down}) {
      if (!linear->weight) continue;
      const Matrix& m = *linear->weight;
      std::vector<float> weights(static_cast<std::size_t>(m.rows() * m.cols()));
      m.unpackRows(0, m.rows(), weights.data());
      linear->weight = packQ8(weights.data(), m.rows(), m.cols(), 32, pool());
    }
  return made;
}

constexpr int kTooMany = 8;  // threads, for each of which 200 rows have no part: they go together
static_assert(200 <= (kTooMany - 1) * Lanes::kRows);

TEST(Lanes, RowsThatGoThroughABlockInLanesComeOutAsTogether) {
  if (!Lanes::cached(1)) GTEST_SKIP() << "needs a machine that tells the size of its last-level cache";
  const auto tokens = someTokens(200);
  ThreadPool crowd(kTooMany);
  for (const char* name : {"llama", "gpt2", "qwen3", "olmo2"}) {  // norms, biases and rotations of all kinds
    const auto model = inBytes(*family(name));
    for (const char* kv : {"", "q8", "h2o:budget=0.5,interval=100"}) {
      const auto opened = [&](ThreadPool& team) { return *Session::open(model, team, {.kv = specs(kv), .activations = Activations::Q8}); };
      const auto some = [&](ThreadPool& team, std::int64_t first, std::size_t count) { return prefilled(*opened(team), std::span(tokens).first(count), first); };
      const Logits together = some(crowd, 0, 200);
      if (*kv == 0) {
        EXPECT_TRUE(identical(together, decoded(*opened(pool()), tokens, 1))) << name << ": one by one";
      }
      for (const int threads : {1, 2, 3}) {
        ThreadPool team(threads);
        EXPECT_TRUE(identical(together, some(team, 0, 200))) << name << ", " << threads << " threads, kv '" << kv << "'";
        for (const std::int64_t first : {50, 131, 199})
          EXPECT_TRUE(identical(some(team, first, 200), Logits(together.begin() + first, together.end()))) << name << ", " << threads << " threads, kv '" << kv << "', from " << first;
        if (*kv == 0) {
          for (const std::size_t count : {33, 64, 65, 97})  // a row more than a part, parts of unequal size
            EXPECT_TRUE(identical(some(team, 0, count), Logits(together.begin(), together.begin() + static_cast<std::ptrdiff_t>(count)))) << name << ", " << threads << " threads, " << count << " rows";
        }
      }
    }
  }
}

TEST(Lanes, TheLedgerCountsRowsInLanesAsTogether) {
  if (!Lanes::cached(1)) GTEST_SKIP() << "needs a machine that tells the size of its last-level cache";
  const auto model = inBytes(*family("llama"));
  const auto tokens = someTokens(200);
  ThreadPool team(2), crowd(kTooMany);
  for (const std::int64_t first : {0, 120, 199}) {  // the last block's queries of all rows, of some, of one
    const auto session = [&](ThreadPool& threads, std::size_t count = 200) {
      auto opened = *Session::open(model, threads, {.kv = {}, .activations = Activations::Q8});
      prefilled(*opened, std::span(tokens).first(count), first);
      return opened;
    };
    const auto lanes = session(team), together = session(crowd);
    // Of one lane, which is sure to be used.
    const auto growth = [&](ThreadPool& threads) { return session(threads)->memory().scratch - session(threads, 100)->memory().scratch; };
    const std::uint64_t between = 100 * 2 * static_cast<std::uint64_t>(model->blocks[0].intermediate) * sizeof(float);  // of 100 rows, gate and up
    EXPECT_LE(growth(pool()) + between, growth(crowd)) << "or they did not go in lanes, which hold few rows each";
    for (const Operation operation : {Operation::Linear, Operation::Norm, Operation::Activation, Operation::Attention}) {
      const Cost a = lanes->ledger().of(operation), b = together->ledger().of(operation);
      if (first != 120) {  // there the last part makes its queries with its keys
        EXPECT_EQ(a.calls, b.calls) << name(operation) << ", from " << first;
      }
      EXPECT_EQ(a.bytes, b.bytes) << name(operation) << ", from " << first;
      EXPECT_EQ(a.operations, b.operations) << name(operation) << ", from " << first;
      EXPECT_GT(a.nanoseconds, 0u) << name(operation);
      EXPECT_EQ(lanes->ledger().of(1, operation).operations, together->ledger().of(1, operation).operations) << name(operation);
    }
  }
}

}  // namespace
}  // namespace ts
