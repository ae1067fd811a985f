// SPDX-License-Identifier: GPL-3.0-or-later
// The promises of a session, over the product of key/value strategies: whatever is switched on, a result does not depend on
// how rows travel, and an uncommitted draft never happened.
#include "engine/session/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "engine/kv/strategy.h"
#include "engine/registry/registry.h"
#include "engine/weights/formats.h"
#include "tests/engine/session/support.h"

namespace ts {
namespace {

struct Case {
  const char* model;
  const char* kv;
};
class Promises : public testing::TestWithParam<Case> {};

TEST_P(Promises, ARowsResultDoesNotDependOnHowManyTravelWithIt) {
  const auto model = family(GetParam().model);
  const auto tokens = someTokens(150);
  const auto single = decoded(*open(model, GetParam().kv), tokens, 1);
  for (const int step : {3, 8, 16})
    EXPECT_TRUE(identical(single, decoded(*open(model, GetParam().kv), tokens, step))) << "drafts of " << step;
}

TEST_P(Promises, PrefillAgreesWithDecoding) {
  const auto model = family(GetParam().model);
  const auto tokens = someTokens(150);
  EXPECT_LT(worst(decoded(*open(model, GetParam().kv), tokens, 1), prefilled(*open(model, GetParam().kv), tokens)), 2e-3);
}

// The last block makes only keys and values of rows whose logits nobody asks for.
TEST_P(Promises, RowsWhoseLogitsAreNotAskedForChangeNothing) {
  setenv("TRADESPACE_WIDE", "tiles", 1);  // or fewer rows could go another way than many
  const auto model = family(GetParam().model);
  const auto tokens = someTokens(120);
  const auto prompt = std::span(tokens).first(90), rest = std::span(tokens).subspan(90);
  const auto all = open(model, GetParam().kv);
  const Logits every = prefilled(*all, prompt), after = decoded(*all, rest, 4);
  for (const std::int64_t first : {1, 50, 89, 90}) {
    const auto session = open(model, GetParam().kv);
    EXPECT_TRUE(identical(prefilled(*session, prompt, first), Logits(every.begin() + first, every.end()))) << "from " << first;
    EXPECT_TRUE(identical(decoded(*session, rest, 4), after)) << "after " << first;
  }
  unsetenv("TRADESPACE_WIDE");
}

TEST_P(Promises, AForkContinuesAlone) {
  const auto model = family(GetParam().model);
  const auto tokens = someTokens(120);
  const auto first = std::span(tokens).first(77), rest = std::span(tokens).subspan(77);
  const auto session = open(model, GetParam().kv);
  prefilled(*session, first);
  const auto fork = session->fork();
  prefilled(*fork, std::vector<int>{9, 8, 7});
  const auto expected = open(model, GetParam().kv);
  prefilled(*expected, first);
  EXPECT_TRUE(identical(decoded(*session, rest, 4), decoded(*expected, rest, 4)));
}

INSTANTIATE_TEST_SUITE_P(Product, Promises,
                         testing::Values(Case{"llama", ""}, Case{"llama", "f16"}, Case{"llama", "q8"}, Case{"llama", "q4"},
                                         Case{"llama", "window:sinks=4,recent=40"}, Case{"llama", "window:sinks=4,recent=40,distance=true+q8"},
                                         Case{"llama", "h2o:budget=0.3"}, Case{"llama", "h2o:budget=0.4,interval=7+q4"},
                                         Case{"mistral", ""}, Case{"mistral", "q8+h2o"}, Case{"mistral", "q4"}, Case{"gemma3", "q4"}, Case{"olmo2", ""}, Case{"qwen3", ""}, Case{"gemma3", "q8"}, Case{"gpt2", "q8+window:recent=20"}));

TEST(Session, TheLastBlockMakesOnlyKeysAndValuesOfRowsThatAreNotAskedFor) {
  const auto model = family("llama");
  const auto tokens = someTokens(100);
  const auto operations = [&](std::int64_t firstWanted, Operation operation, const char* kv) {
    const auto session = open(model, kv);
    prefilled(*session, tokens, firstWanted);
    return session->ledger().of(operation).operations;
  };
  std::uint64_t row = 0;
  const Block& last = model->blocks.back();
  for (const Linear* linear : {&last.q, &last.o, &last.gate, &last.up, &last.down}) row += linear->weight->operations();
  EXPECT_EQ(operations(0, Operation::Linear, "") - operations(99, Operation::Linear, ""), 99 * row);
  EXPECT_EQ(operations(0, Operation::Linear, "") - operations(100, Operation::Linear, ""), 100 * row);
  EXPECT_LT(operations(99, Operation::Attention, ""), operations(0, Operation::Attention, ""));
  EXPECT_LT(operations(100, Operation::Attention, ""), operations(99, Operation::Attention, ""));
  EXPECT_EQ(operations(99, Operation::Linear, "h2o:budget=0.5"), operations(0, Operation::Linear, "h2o:budget=0.5"));  // which weighs what every query sees
}

TEST(Session, ThreadsDoNotChangeAResult) {
  setenv("TRADESPACE_WIDE", "tiles", 1);  // whose choice would be another machine's
  const auto model = family("llama");
  const auto tokens = someTokens(250);  // chunks of attention that workers share, tiles that each looks at itself
  for (const char* kv : {"", "f16", "q8", "q8+h2o:budget=0.5", "window:recent=150"}) {
    const auto one = decoded(*open(model, kv), tokens, 1), sixteen = decoded(*open(model, kv), tokens, 16), together = prefilled(*open(model, kv), tokens);
    for (const int threads : {2, 3, 16}) {
      ThreadPool team(threads);
      const auto session = [&] { return *Session::open(model, team, {.kv = specs(kv)}); };
      // So many that a prompt's tiles are few for them: chunks are shared, and so is merging them.
      EXPECT_TRUE(identical(together, prefilled(*session(), tokens))) << threads << " threads, kv '" << kv << "', prefill";
      for (const std::int64_t first : {99, 100}) {  // of the last row alone, and of none: keys and values are as those of all
        const auto some = session();
        const auto prompt = std::span(tokens).first(100), rest = std::span(tokens).subspan(100);
        EXPECT_TRUE(identical(prefilled(*some, prompt, first), Logits(together.begin() + first, together.begin() + 100))) << threads << " threads, kv '" << kv << "', from " << first;
        const auto all = open(model, kv);
        prefilled(*all, prompt);
        EXPECT_TRUE(identical(decoded(*some, rest, 16), decoded(*all, rest, 16))) << threads << " threads, kv '" << kv << "', after " << first;
      }
      if (threads == 16) continue;
      EXPECT_TRUE(identical(one, decoded(*session(), tokens, 1))) << threads << " threads, kv '" << kv << "'";
      EXPECT_TRUE(identical(sixteen, decoded(*session(), tokens, 16))) << threads << " threads, kv '" << kv << "', drafts of 16";
    }
  }
  unsetenv("TRADESPACE_WIDE");
}

TEST(Session, ThreadsDoNotChangeAResultInAnyFamily) {  // biases, norms after, no gate ...
  setenv("TRADESPACE_WIDE", "tiles", 1);
  std::vector<std::pair<std::string, std::shared_ptr<const Model>>> models;
  for (const char* name : {"gemma3", "gpt2", "mistral", "olmo2", "phi3", "qwen2", "qwen3"}) models.emplace_back(name, family(name));
  Model factors = *family("qwen2");
  for (Block& block : factors.blocks)
    for (Linear* linear : {&block.o, &block.gate, &block.v}) {
      const std::int64_t rows = linear->weight->rows(), cols = linear->weight->cols(), rank = 5;
      std::vector<float> left(static_cast<std::size_t>(rows * rank)), right(static_cast<std::size_t>(rank * cols));
      for (std::size_t n = 0; n < left.size(); ++n) left[n] = 0.1f * std::sin(static_cast<float>(n));
      for (std::size_t n = 0; n < right.size(); ++n) right[n] = 0.1f * std::cos(static_cast<float>(n));
      linear->weight = makeLowRank(packF32(left.data(), rows, rank, pool()), packF32(right.data(), rank, cols, pool()));
    }
  models.emplace_back("qwen2 of low rank", std::make_shared<const Model>(std::move(factors)));
  for (const auto& [name, model] : models)
    for (const Activations activations : {Activations::F32, Activations::Q8}) {
      const auto tokens = someTokens(20);
      const auto session = [&](ThreadPool& team) { return *Session::open(model, team, {.kv = {}, .activations = activations}); };
      const Logits want = decoded(*session(pool()), tokens, 1);
      for (const int threads : {2, 3}) {
        ThreadPool team(threads);
        for (const int step : {1, 3, 5}) EXPECT_TRUE(identical(want, decoded(*session(team), tokens, step))) << name << ", " << threads << " threads, " << step << " rows";
      }
    }
  unsetenv("TRADESPACE_WIDE");
}

TEST(Session, EveryOperationTakesTimeWhateverTheRowsAndThreads) {
  const auto model = family("llama");
  for (const int threads : {1, 2, 16})  // the last more than there are panels
    for (const int rows : {1, 3, 5, 16, 20, 60}) {
      ThreadPool team(threads);
      const auto session = *Session::open(model, team, {});
      ASSERT_TRUE(session->prefill(someTokens(rows), 0, {}));
      for (const Operation operation : {Operation::Norm, Operation::Linear, Operation::Attention, Operation::Activation})
        EXPECT_GT(session->ledger().of(operation).nanoseconds, 0u) << name(operation) << ", " << rows << " rows, " << threads << " threads";
      for (int layer = 0; layer < session->ledger().layers(); ++layer) {
        const auto calls = [&](Operation operation) { return session->ledger().of(layer, operation).calls; };
        EXPECT_EQ(calls(Operation::Activation), 1u) << rows;
        EXPECT_EQ(calls(Operation::Norm), 5u) << rows << ": two before, one of queries and keys, two after";
      }
    }
}

TEST(Session, ACodecOfMoreBitsIsNearer) {
  const auto model = family("llama");
  const auto tokens = someTokens(200);
  const auto exact = prefilled(*open(model, ""), tokens);
  const double f16 = worst(exact, prefilled(*open(model, "f16"), tokens)), q8 = worst(exact, prefilled(*open(model, "q8"), tokens)),
               q4 = worst(exact, prefilled(*open(model, "q4"), tokens));
  EXPECT_GT(f16, 0);
  EXPECT_LT(f16, q8);
  EXPECT_LT(q8, q4);
}

TEST(Session, PoliciesThatNeverBindChangeNothing) {
  const auto model = family("llama");
  const auto tokens = someTokens(130);
  const auto exact = decoded(*open(model, ""), tokens, 4);
  EXPECT_TRUE(identical(exact, decoded(*open(model, "window:recent=200"), tokens, 4)));
  EXPECT_TRUE(identical(exact, decoded(*open(model, "h2o:budget=1"), tokens, 4)));
}

TEST(Session, EvictionAndCodecsFreeMemory) {
  const auto model = family("llama");
  const auto tokens = someTokens(250);
  const auto kvBytes = [&](const char* kv) {
    const auto session = open(model, kv);
    prefilled(*session, tokens);
    return session->memory().kv;
  };
  const auto dense = kvBytes("");
  EXPECT_LT(kvBytes("q8"), dense * 6 / 10);
  EXPECT_LT(kvBytes("q4"), kvBytes("q8"));
  EXPECT_LT(kvBytes("h2o:budget=0.2"), dense * 3 / 10);
  EXPECT_LT(kvBytes("window:sinks=4,recent=32"), dense * 5 / 10);
}

TEST(Session, RowsOutsideTheWindowDoNotMatter) {
  const auto model = family("llama");
  auto a = someTokens(120), b = a;
  for (int i = 4; i < 20; ++i) b[static_cast<std::size_t>(i)] = 3 + (b[static_cast<std::size_t>(i)] + 50) % 300;
  // Three layers of a window of 16 reach back 3 x 16 positions; beyond that only the sinks remain.
  const auto one = prefilled(*open(model, "window:sinks=4,recent=16"), a), other = prefilled(*open(model, "window:sinks=4,recent=16"), b);
  EXPECT_TRUE(identical({one.back()}, {other.back()}));
  EXPECT_FALSE(identical({prefilled(*open(model, ""), a).back()}, {prefilled(*open(model, ""), b).back()}));
}

TEST(Session, ATreeNodeSeesItsAncestorsOnly) {
  const auto model = family("llama");
  const auto tokens = someTokens(60);
  for (const char* kv : {"", "q8", "window:recent=24", "h2o:budget=0.5"}) {
    const auto tree = open(model, kv), chain = open(model, kv);
    prefilled(*tree, tokens);
    prefilled(*chain, tokens);
    // root -> 10 -> 11; root -> 20 -> 21
    if (tree->draftLimit() < 4) GTEST_FAIL();
    ASSERT_TRUE(tree->decode({{10, 20, 11, 21}, {-1, -1, 0, 1}}));
    const int path[] = {20, 21};
    ASSERT_TRUE(chain->decode(DraftTree::chain(path)));
    EXPECT_EQ(0, std::memcmp(tree->logits(1).data(), chain->logits(0).data(), 320 * sizeof(float))) << kv;
    EXPECT_EQ(0, std::memcmp(tree->logits(3).data(), chain->logits(1).data(), 320 * sizeof(float))) << kv;
    const int committed[] = {1, 3}, all[] = {0, 1};
    tree->commit(committed);
    chain->commit(all);
    EXPECT_TRUE(identical(decoded(*tree, someTokens(20), 2), decoded(*chain, someTokens(20), 2))) << kv;
  }
}

TEST(Session, ADraftGrownNodeByNodeIsTheSameDraft) {
  const auto model = family("llama");
  const auto tokens = someTokens(60);
  // root -> 10 -> 11 -> 12; root -> 20 -> 21, in the order in which a drafter may find them
  const DraftTree whole{{10, 11, 20, 12, 21}, {-1, 0, -1, 1, 2}}, chain = DraftTree::chain(std::vector<int>{10, 11, 12, 13, 14});
  for (const char* kv : {"", "q8", "window:sinks=4,recent=24", "h2o:budget=0.5", "h2o:budget=0.4,interval=7+q4"}) {
    for (const DraftTree& tree : {whole, chain}) {
      const auto once = open(model, kv), grown = open(model, kv);
      const auto limit = [&](auto& session) { return std::min<std::size_t>(tree.tokens.size(), static_cast<std::size_t>(session->draftLimit())); };
      prefilled(*once, std::span(tokens).first(57));
      prefilled(*grown, std::span(tokens).first(57));
      const auto front = [&](std::size_t n) { return DraftTree{{tree.tokens.begin(), tree.tokens.begin() + static_cast<std::ptrdiff_t>(n)}, {tree.parents.begin(), tree.parents.begin() + static_cast<std::ptrdiff_t>(n)}}; };
      const std::size_t nodes = limit(once);
      ASSERT_GE(nodes, 4u);
      ASSERT_TRUE(once->decode(front(nodes)));
      for (const std::size_t n : {1, 2, 4, 5}) {
        if (n <= nodes) {
          ASSERT_TRUE(grown->decode(front(n)));
        }
      }
      for (int i = 0; i < static_cast<int>(nodes); ++i)
        EXPECT_EQ(0, std::memcmp(once->logits(i).data(), grown->logits(i).data(), 320 * sizeof(float))) << kv << " node " << i;
      const std::vector<int> path = tree.parents[2] < 0 ? std::vector<int>{0, 1, 3} : std::vector<int>{0, 1, 2};
      once->commit(path);
      grown->commit(path);
      EXPECT_TRUE(identical(decoded(*once, someTokens(30), 2), decoded(*grown, someTokens(30), 2))) << kv;
    }
  }
}

TEST(Session, AfterAResetItIsAsNew) {
  const auto model = family("llama");
  const auto tokens = someTokens(120);
  for (const char* kv : {"", "q8", "f16", "h2o:budget=0.5,interval=32", "q4+window:sinks=4,recent=40"}) {
    const auto used = open(model, kv);
    decoded(*used, someTokens(90), 3);
    used->reset();
    EXPECT_EQ(used->position(), 0);
    EXPECT_TRUE(identical(decoded(*used, tokens, 1), decoded(*open(model, kv), tokens, 1))) << kv;
  }
}

TEST(Session, TheLayersOfTheLedgerAddUpToTheRun) {
  const auto session = open(family("llama"), "");
  decoded(*session, someTokens(20), 1);
  const Ledger& ledger = session->ledger();
  ASSERT_EQ(ledger.layers(), session->model().config.layerCount());
  for (const Operation operation : {Operation::Linear, Operation::Attention, Operation::Activation}) {
    Cost sum;
    for (int layer = 0; layer < ledger.layers(); ++layer) sum.add(ledger.of(layer, operation));
    EXPECT_EQ(sum.bytes, ledger.of(operation).bytes);
    EXPECT_EQ(sum.nanoseconds, ledger.of(operation).nanoseconds);
    EXPECT_GT(sum.calls, 0u);
  }
}

TEST(Session, RefusesWhatCannotBeRun) {
  const auto session = open(family("llama"), "");
  EXPECT_FALSE(session->prefill(std::vector<int>{5, 320}, 0, {}));
  EXPECT_FALSE(session->prefill(std::vector<int>{-1}, 0, {}));
  const auto beyond = session->prefill(someTokens(257), 0, {});
  ASSERT_FALSE(beyond);
  EXPECT_NE(beyond.error().message.find("context of 256"), std::string::npos) << beyond.error().message;
  EXPECT_EQ(session->position(), 0);
  const auto capped = Session::open(family("gpt2"), pool(), {.kv = specs("window:distance=true")});
  ASSERT_FALSE(capped) << "learned positions know no rotary distance";
  EXPECT_EQ(capped.error().kind, ErrorKind::Refused);
  EXPECT_TRUE(Session::open(family("gpt2"), pool(), {.kv = specs("window")}));
}

TEST(Session, WhatAnEvictionKeepsDoesNotDependOnHowRowsCame) {
  const auto model = family("llama");
  const auto tokens = someTokens(250);
  // Prefill rounds differently (wide kernels), so both sides decode; one starts from drafts of a whole interval.
  for (const char* kv : {"q4+window:sinks=4,recent=100", "q4+h2o:budget=0.5,interval=64", "q8+h2o:budget=0.5,interval=100"})
    EXPECT_TRUE(identical(decoded(*open(model, kv), tokens, 1), decoded(*open(model, kv), tokens, 32))) << kv;
}

TEST(Session, ACancelledPrefillKeepsWhatWasCommitted) {
  const auto model = family("llama");
  const auto tokens = someTokens(100);
  const auto session = open(model, "q8"), plain = open(model, "q8");
  prefilled(*session, tokens);
  prefilled(*plain, tokens);
  std::stop_source source;
  source.request_stop();
  const auto stopped = session->prefill(someTokens(80), 0, {}, source.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
  EXPECT_EQ(session->position(), 100);
  EXPECT_TRUE(identical(decoded(*session, someTokens(30), 1), decoded(*plain, someTokens(30), 1)));
}

}  // namespace
}  // namespace ts
