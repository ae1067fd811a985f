// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/resources.h"

#include <gtest/gtest.h>

namespace {

TEST(Resources, HoldTheEmbeddedModel) {
  EXPECT_TRUE(std::filesystem::exists(ts::resourceFolder() / "models" / "ts-16m" / "config.json")) << ts::resourceFolder();
}

}  // namespace
