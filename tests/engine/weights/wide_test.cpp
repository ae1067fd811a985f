// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/wide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/kernels/dnnl.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/product.h"
#include "engine/weights/measured.h"
#include "samples.h"

namespace ts {
namespace {

TEST(Wide, SaysWhichOneDnnRuns) { EXPECT_THAT(dnnlVersion().find('.'), testing::Ne(std::string::npos)); }

TEST(Wide, MeasuresEachFormatOnceAndKeepsTheChoice) {
  const std::string folder = testing::TempDir() + "wide-test-cache";
  std::filesystem::remove_all(folder);
  setenv("XDG_CACHE_HOME", folder.c_str(), 1);
  unsetenv("TRADESPACE_WIDE");
  ThreadPool pool(1);
  const auto w = samples::floats(32 * 64, 1);
  const MatrixPtr m = packF16(w.data(), 32, 64, pool);
  const auto& packed = dynamic_cast<const PackedMatrix&>(*m);
  const WidePath first = widePath(packed, 512);
  EXPECT_EQ(widePath(packed, 512), first);
  if (kernelIsa() == "scalar") {
    EXPECT_EQ(first, WidePath::Tiles) << "the plain reference is never replaced";
    return;
  }
  const auto choices = kernelChoices();
  ASSERT_FALSE(choices.empty());
  for (const KernelChoice& c : choices) {
    EXPECT_GT(c.tilesGops, 0);
    EXPECT_GT(c.dnnlGops, 0);
    EXPECT_FALSE(c.dnnlImplementation.empty());
  }
  EXPECT_FALSE(std::filesystem::is_empty(folder + "/tradespace"));
  setenv("TRADESPACE_WIDE", "onednn", 1);
  EXPECT_EQ(widePath(packed, 512), WidePath::OneDnn);
  setenv("TRADESPACE_WIDE", "tiles", 1);
  EXPECT_EQ(widePath(packed, 512), WidePath::Tiles);
  setenv("TRADESPACE_WIDE", "floats", 1);
  EXPECT_EQ(widePath(packed, 512), WidePath::Tiles) << "which are floats for floats";
  const auto codes = packQ4(w.data(), 32, 64, 32, true, pool);
  EXPECT_EQ(widePath(dynamic_cast<const PackedMatrix&>(*codes), 512), exactByDigits(Element::U4) ? WidePath::Floats : WidePath::Tiles);
  unsetenv("TRADESPACE_WIDE");
}

/// What a process that knows no choice yet makes of a kept one.
class KeptChoice : public testing::Test {
 protected:
  void SetUp() override {
    isa_ = kernelIsa();
    if (isa_ == "scalar") GTEST_SKIP() << "never chooses";
    folder_ = testing::TempDir() + "wide-test-kept";
    std::filesystem::remove_all(folder_);
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    unsetenv("TRADESPACE_WIDE");
  }
  void TearDown() override { forceIsa(isa_); }

  KernelChoice read(const std::string& words) {
    keepMeasured("u4", words);
    forceIsa(isa_);  // what is known is forgotten
    widePath(codes(), 512);
    for (const KernelChoice& c : kernelChoices())
      if (c.format == "u4") return c;
    ADD_FAILURE() << "no choice for u4";
    return {};
  }
  const PackedMatrix& codes() {
    if (!matrix_) {
      ThreadPool pool(1);
      const auto w = samples::floats(32 * 64, 1);
      matrix_ = packQ4(w.data(), 32, 64, 32, true, pool);
    }
    return dynamic_cast<const PackedMatrix&>(*matrix_);
  }

  std::string isa_, folder_;
  MatrixPtr matrix_;
};

TEST_F(KeptChoice, IsTakenAsItStands) {
  const KernelChoice c = read("1 64 10 20 30 some:name");
  EXPECT_EQ(c.path, WidePath::Floats);
  EXPECT_EQ(c.switchOver, 64);
  EXPECT_EQ(c.floatsGops, 20);
  EXPECT_EQ(c.pathName(), "floats");
  EXPECT_EQ(widePath(codes(), 63), WidePath::Tiles);
  EXPECT_EQ(widePath(codes(), 64), WidePath::Floats);
  EXPECT_EQ(read("2 256 10 20 30 some:name").pathName(), "some:name");
}

TEST_F(KeptChoice, IsMeasuredAnewWhereItMakesNoSense) {
  for (const char* words : {"7 64 10 20 30 some:name", "-1 64 10 20 30 some:name", "1 64 10", "one 64 10 20 30 some:name"}) {
    const KernelChoice c = read(words);
    EXPECT_NE(c.dnnlImplementation, "some:name") << words;
    EXPECT_GT(c.tilesGops, 0) << words;
    EXPECT_GT(c.dnnlGops, 0) << words;
    EXPECT_EQ(c.floatsGops > 0, exactByDigits(Element::U4)) << words;
    EXPECT_EQ(c.path == WidePath::Tiles, c.switchOver == 0) << words;
  }
}

}  // namespace
}  // namespace ts
