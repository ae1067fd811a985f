// SPDX-License-Identifier: GPL-3.0-or-later
// The Playground's worker beside other programs, and with what goes wrong.
#include <gtest/gtest.h>

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <optional>

#include "engine/core/machine_lock.h"
#include "widgets/base/text.h"
#include "widgets/services/generation_service.h"

namespace ts {
namespace {

GenerationRequest request() {
  static const auto model = ModelService::load("embedded:ts-2m-draft");
  EXPECT_TRUE(model) << model.error().message;
  return {.model = *model, .plan = {}, .prompt = "The history of", .tokens = 4};
}

TEST(Generation, WaitsWhileSomebodyMeasuresAndCanBeStopped) {
  const QTemporaryDir folder;
  qputenv("TRADESPACE_LOCK", folder.filePath(QStringLiteral("lock")).toUtf8());
  std::optional<MachineHold> measuring(*holdMachine(MachineUse::Measure));
  GenerationService service;
  QSignalSpy staged(&service, &GenerationService::staged), finished(&service, &GenerationService::finished);
  service.start(request());
  ASSERT_TRUE(QTest::qWaitFor([&] { return !staged.isEmpty(); }));
  EXPECT_TRUE(staged.front()[1].toString().contains(QStringLiteral("Waiting"))) << utf8(staged.front()[1].toString());
  service.stop();
  ASSERT_TRUE(QTest::qWaitFor([&] { return !finished.isEmpty(); }));
  EXPECT_EQ(finished.front()[1].value<Generation>().stopReason, "cancelled");

  service.start(request());
  measuring.reset();
  ASSERT_TRUE(QTest::qWaitFor([&] { return finished.size() == 2; }));
  EXPECT_EQ(finished.back()[1].value<Generation>().ids.size(), 4u);
  qunsetenv("TRADESPACE_LOCK");
}

}  // namespace
}  // namespace ts
