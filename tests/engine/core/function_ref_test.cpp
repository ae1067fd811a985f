// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/function_ref.h"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>

namespace ts {
namespace {

TEST(FunctionRef, CallsWhatItWasMadeOf) {
  int sum = 0;
  const auto add = [&](int x) { return sum += x; };
  const FunctionRef<int(int)> ref = add;
  EXPECT_EQ(ref(3), 3);
  EXPECT_EQ(ref(4), 7);
  EXPECT_EQ(sum, 7) << "the function itself, no copy of it";
}

TEST(FunctionRef, MayBeNone) {
  FunctionRef<void()> ref;
  EXPECT_FALSE(ref);
  int calls = 0;
  const auto count = [&] { ++calls; };
  ref = count;
  ASSERT_TRUE(ref);
  ref();
  EXPECT_EQ(calls, 1);
}

TEST(FunctionRef, IsNotAssignedWhatGoesAway) {
  const auto kept = [] {};
  static_assert(std::is_assignable_v<FunctionRef<void()>&, decltype(kept)&>);
  static_assert(!std::is_assignable_v<FunctionRef<void()>&, decltype(kept)>);
  FunctionRef<void()> ref = kept;
  ref = {};
  EXPECT_FALSE(ref);
}

TEST(FunctionRef, PassesArgumentsOnAsTheyAre) {
  std::string kept;
  const auto keep = [&](std::string&& text) { kept = std::move(text); };
  std::string text(100, 'a');
  const char* data = text.data();
  const FunctionRef<void(std::string&&)> ref = keep;
  ref(std::move(text));
  EXPECT_EQ(kept.data(), data) << "moved, not copied";
}

}  // namespace
}  // namespace ts
