// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QAction>
#include <QApplication>
#include <QMenuBar>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "experiments/store/store.h"
#include "widgets/base/selection.h"
#include "widgets/base/theme.h"
#include "widgets/forms/plan_form.h"
#include "widgets/pages/experiment_page.h"
#include "widgets/pages/plan_column.h"
#include "widgets/pages/playground_page.h"
#include "widgets/runs/catalogue.h"
#include "widgets/services/generation_service.h"
#include "widgets/services/model_service.h"
#include "widgets/services/sweep_service.h"
#include "widgets/shell/command_palette.h"
#include "widgets/shell/main_window.h"

namespace ts {
namespace {

template <class Condition>
bool eventually(Condition&& condition, int milliseconds = 60000) {
  return QTest::qWaitFor(condition, milliseconds);
}

struct Shell : testing::Test {
  QTemporaryDir folder;
  Theme theme;
  std::filesystem::path storePath() const { return (folder.filePath("runs.tradespace")).toStdString(); }

  /// A sweep that takes a while: several plans on few items.
  static std::string smallSweep() {
    SweepDraft draft;
    draft.name = "small";
    draft.limit = 2;
    draft.context = 64;
    draft.againstDense = false;
    draft.prompt = 16;
    draft.generate = 8;
    draft.repetitions = 1;
    draft.warmup = 0;
    draft.threads = 1;
    draft.groups[0].weights = {"", "q8"};
    draft.groups[0].kv = {"", "q8"};
    return toJson(draft);
  }
};

TEST_F(Shell, EveryPageOpensAndEveryCommandHasAName) {
  MainWindow window(storePath(), theme);
  window.show();
  ASSERT_TRUE(QTest::qWaitForWindowExposed(&window));
  for (int page = 0; page < MainWindow::PageCount; ++page) {
    window.showPage(static_cast<MainWindow::Page>(page));
    EXPECT_FALSE(window.grab().isNull());
    EXPECT_TRUE(window.pageAction(static_cast<MainWindow::Page>(page))->isChecked());
  }
  QList<QKeySequence> windowWide;
  for (const QAction* action : window.findChildren<QAction*>()) {
    if (action->shortcut().isEmpty() || action->shortcutContext() != Qt::WindowShortcut || action->text().isEmpty()) continue;
    EXPECT_FALSE(windowWide.contains(action->shortcut())) << qPrintable(action->text());
    windowWide << action->shortcut();
  }
}

TEST_F(Shell, ThePlaygroundsCommandLineRepeatsWhatWasAsked) {
  MainWindow window(storePath(), theme);
  window.show();
  window.openModel("embedded:ts-2m-draft");
  ASSERT_TRUE(eventually([&] { return window.models().current() != nullptr; }));
  window.playground().setPrompt("It's a city");
  window.playground().setTokens(7);
  EXPECT_EQ(window.playground().column(0).command(), "tradespace-cli generate embedded:ts-2m-draft --prompt 'It'\\''s a city' --tokens 7 --seed 1");
}

TEST_F(Shell, ThePaletteFindsCommandsByTheirWords) {
  QWidget parent;
  QAction theme(QStringLiteral("Theme: dark"), &parent), quit(QStringLiteral("&Quit"), &parent);
  bool done = false;
  QObject::connect(&theme, &QAction::triggered, &parent, [&] { done = true; });
  auto* palette = new CommandPalette({&theme, &quit}, &parent);
  palette->setFilter("dark th");
  EXPECT_EQ(palette->shown(), QStringList{"Theme: dark"});
  palette->runCurrent();
  EXPECT_TRUE(eventually([&] { return done; }, 2000));
}

TEST_F(Shell, GeneratesTwoPlansOneAfterTheOther) {
  MainWindow window(storePath(), theme);
  window.openModel("embedded:ts-16m");
  ASSERT_TRUE(eventually([&] { return window.models().current() != nullptr; }));
  PlaygroundPage& page = window.playground();
  page.setTwoPlans(true);
  page.setTokens(8);
  Plan plan;
  plan.weights = {*parseStrategy("q8", "")};
  page.column(1).form().setPlan(plan);
  page.generate();
  EXPECT_TRUE(window.generation().busy());
  ASSERT_TRUE(eventually([&] { return !window.generation().busy(); }));
  for (int slot : {0, 1}) {
    EXPECT_FALSE(page.column(slot).output().isEmpty());
    EXPECT_EQ(page.column(slot).figure(3), "8");
  }
}

TEST_F(Shell, GeneratingStopsAtOnceAndClosingWhileItRunsIsSafe) {
  auto window = std::make_unique<MainWindow>(storePath(), theme);
  window->openModel("embedded:ts-16m");
  ASSERT_TRUE(eventually([&] { return window->models().current() != nullptr; }));
  window->playground().setTokens(900);
  window->playground().generate();
  ASSERT_TRUE(eventually([&] { return !window->playground().column(0).output().isEmpty(); }));
  window->generation().stop();
  ASSERT_TRUE(eventually([&] { return !window->generation().busy(); }, 5000));
  window->playground().generate();
  window.reset();
}

TEST_F(Shell, ASweepStartedInTheWindowFillsTheRuns) {
  MainWindow window(storePath(), theme);
  QSignalSpy finished(&window.sweeps(), &SweepService::finished);
  QSignalSpy failed(&window.sweeps(), &SweepService::failed);
  Q_EMIT window.experiment().startRequested(smallSweep());
  EXPECT_TRUE(window.sweeps().running());
  ASSERT_TRUE(eventually([&] { return finished.count() + failed.count() > 0; }, 180000));
  ASSERT_EQ(failed.count(), 0) << qPrintable(failed.value(0).value(0).toString());
  EXPECT_EQ(window.sweeps().progress().plans, 4);
  ASSERT_TRUE(eventually([&] {
    return window.catalogue().runs().size() == 4 && std::ranges::all_of(window.catalogue().runs(), [](const RunRecord& r) { return r.state == RunState::Done; });
  }, 10000));
  for (const RunRecord& run : window.catalogue().runs()) {
    EXPECT_TRUE(run.metrics.contains("perplexity"));
    EXPECT_TRUE(run.metrics.contains("decode_tokens_per_s"));
  }
}

TEST_F(Shell, ClosingInTheMiddleOfASweepAsksAndLosesNothing) {
  auto window = std::make_unique<MainWindow>(storePath(), theme);
  window->show();
  Q_EMIT window->experiment().startRequested(smallSweep());
  ASSERT_TRUE(eventually([&] { return !window->catalogue().runs().empty(); }));
  window->setCloseAnswer(false);
  EXPECT_FALSE(window->close()) << "the user said no";
  EXPECT_TRUE(window->sweeps().running());
  window->setCloseAnswer(true);
  EXPECT_TRUE(window->close());
  window.reset();
  const auto store = Store::open(storePath());
  ASSERT_TRUE(store);
  const auto runs = (*store)->runs();
  ASSERT_TRUE(runs);
  EXPECT_FALSE(runs->empty());
  for (const RunRecord& run : *runs) EXPECT_NE(run.state, RunState::Running) << run.id;
}

TEST_F(Shell, AStoreThatIsNoneIsSaidToBeNone) {
  QFile file(folder.filePath("runs.tradespace"));
  ASSERT_TRUE(file.open(QIODevice::WriteOnly));
  file.write("this is not a database, and long enough to be looked at as one by anybody");
  file.close();
  MainWindow window(storePath(), theme);
  window.setCloseAnswer(true);
  EXPECT_TRUE(eventually([&] { return window.readyForPictures(); }, 10000));
  EXPECT_TRUE(window.catalogue().runs().empty());
  EXPECT_FALSE(isStore(storePath()));
}

}  // namespace
}  // namespace ts
