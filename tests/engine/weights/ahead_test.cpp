// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/ahead.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/kernels/ahead.h"
#include "engine/kernels/isa.h"
#include "engine/weights/measured.h"
#include "samples.h"

namespace ts {
namespace {

class Ahead : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("TRADESPACE_AHEAD");
    std::filesystem::remove_all(folder_);
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("TRADESPACE_AHEAD");
    settleAhead();
    std::filesystem::remove_all(folder_);
    unsetenv("XDG_CACHE_HOME");
  }
  // Of this process alone: tests run side by side.
  const std::string folder_ = testing::TempDir() + "ahead-test-cache-" + std::to_string(getpid());
};

TEST_F(Ahead, WhatWasMeasuredIsKeptByItsName) {
  EXPECT_FALSE(measuredBefore("one"));
  keepMeasured("one", "1 2.5 words");
  keepMeasured("once", "3");
  EXPECT_EQ(measuredBefore("one"), "1 2.5 words");
  EXPECT_EQ(measuredBefore("once"), "3");
  EXPECT_FALSE(measuredBefore("on"));
  keepMeasured("one", "2");
  EXPECT_EQ(measuredBefore("one"), "2") << "the last that was measured";
}

TEST_F(Ahead, IsMeasuredOnceAndInForce) {
  const std::string now = kernelIsa();
  for (const std::string& isa : availableIsas()) {
    forceIsa(isa);  // whatever was settled before is of another instruction set, or of this one and kept
    const AheadChoice choice = settleAhead();
    EXPECT_EQ(kernels::rowAsksForLines, choice.asks);
#if defined(__x86_64__)
    if (isa == "scalar") continue;  // never asks
    EXPECT_GT(choice.askedGBs, 0.01) << isa;
    EXPECT_GT(choice.aloneGBs, 0.01) << isa;
    const double gain = choice.aloneGBs / choice.askedGBs;  // of being left alone
    EXPECT_EQ(choice.asks, gain < 1.03) << isa << ": " << gain;
#endif
    const AheadChoice again = settleAhead();
    EXPECT_EQ(again.askedGBs, choice.askedGBs) << "not measured again";
  }
  forceIsa(now);
}

TEST_F(Ahead, IsReadBack) {
  const std::string now = kernelIsa();
  const std::vector<std::string> isas = availableIsas();
  const auto found = std::ranges::find_if(isas, [&](const std::string& isa) { return isa != now; });
  if (found == isas.end()) GTEST_SKIP() << "there is one instruction set here";
  const std::string other = *found;
  settleAhead();
  keepMeasured("ahead", "0 1.5 2.5");
  forceIsa(other), settleAhead(), forceIsa(now);  // forgets what this process knows
  const AheadChoice choice = settleAhead();
  EXPECT_FALSE(choice.asks);
  EXPECT_EQ(choice.askedGBs, 1.5);
  EXPECT_EQ(choice.aloneGBs, 2.5);
  EXPECT_FALSE(kernels::rowAsksForLines);
  keepMeasured("ahead", "nonsense");
  forceIsa(other), settleAhead(), forceIsa(now);
  EXPECT_NE(settleAhead().askedGBs, 1.5) << "measured again";
  EXPECT_NE(measuredBefore("ahead"), "nonsense");
}

TEST_F(Ahead, ASwitchOverrulesIt) {
  setenv("TRADESPACE_AHEAD", "alone", 1);
  EXPECT_FALSE(settleAhead().asks);
  EXPECT_FALSE(kernels::rowAsksForLines);
  setenv("TRADESPACE_AHEAD", "ask", 1);
  EXPECT_TRUE(settleAhead().asks);
  EXPECT_TRUE(settleAhead().forced);
  EXPECT_TRUE(kernels::rowAsksForLines);
  setenv("TRADESPACE_AHEAD", "perhaps", 1);
  EXPECT_FALSE(settleAhead().forced) << "no word that is known";
}

TEST_F(Ahead, ChangesNoResult) {
  ThreadPool pool(1);
  const std::int64_t rows = 40, cols = 512;
  const auto in = samples::floats(cols, 7);
  for (const auto& sample : samples::all(rows, cols, pool))
    for (const Activations activations : {Activations::F32, Activations::Q8}) {
      std::vector<float> outs[2];
      for (const bool asks : {false, true}) {
        kernels::rowAsksForLines = asks;
        Execution execution(pool, activations);
        outs[asks].resize(static_cast<std::size_t>(rows));
        sample.matrix->multiply(ConstRows(in.data(), 1, cols, cols), Rows{outs[asks].data(), 1, rows, rows}, execution, false);
      }
      EXPECT_EQ(outs[0], outs[1]) << sample.name;
    }
}

}  // namespace
}  // namespace ts
