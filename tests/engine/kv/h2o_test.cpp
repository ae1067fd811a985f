// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include "engine/kv/strategy.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

std::vector<std::int32_t> kept(const char* spec, std::int64_t next, const std::vector<float>& mass) {
  const auto policy = *registry().make<KvPolicy>(Family::KeyValue, *parseStrategy(spec, ""));
  std::vector<std::int32_t> positions(mass.size()), indices;
  for (std::size_t i = 0; i < mass.size(); ++i) positions[i] = static_cast<std::int32_t>(i);
  policy->keep({0, 0, next, positions, mass}, indices);
  return indices;
}

TEST(H2o, KeepsTheHeaviestAndTheMostRecent) {
  const std::vector<float> mass{5, 1, 9, 1, 7, 1, 1, 1, 1, 1};
  EXPECT_EQ(kept("h2o:budget=0.4,recent=0.5", 10, mass), (std::vector<std::int32_t>{2, 4, 8, 9}));
  EXPECT_EQ(kept("h2o:budget=0.4,recent=0", 10, mass), (std::vector<std::int32_t>{0, 2, 4, 9}));
  EXPECT_EQ(kept("h2o:budget=0.4,recent=1", 10, mass), (std::vector<std::int32_t>{6, 7, 8, 9}));
}

TEST(H2o, WithinItsBudgetNothingIsEvicted) {
  EXPECT_EQ(kept("h2o:budget=0.5", 20, std::vector<float>(10, 1.0f)).size(), 10u);
  EXPECT_EQ(kept("h2o:budget=1", 10, std::vector<float>(10, 1.0f)).size(), 10u);
}

}  // namespace
}  // namespace ts
