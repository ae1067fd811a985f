// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/wide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/kernels/dnnl.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/product.h"
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

}  // namespace
}  // namespace ts
