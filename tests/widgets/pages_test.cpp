// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QCheckBox>
#include <QFile>
#include <QPlainTextEdit>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QUndoStack>

#include "experiments/store/store.h"
#include "tests/widgets/sample_runs.h"
#include "widgets/base/grid_model.h"
#include "widgets/base/selection.h"
#include "widgets/base/settings.h"
#include "widgets/base/table.h"
#include "widgets/charts/plot_view.h"
#include "widgets/pages/compare_page.h"
#include "widgets/pages/experiment_page.h"
#include "widgets/pages/front_page.h"
#include "widgets/pages/help_page.h"
#include "widgets/pages/models_page.h"
#include "widgets/pages/plan_preview.h"
#include "widgets/pages/runs_page.h"
#include "widgets/models/tensor_model.h"
#include "widgets/runs/run_detail.h"
#include "widgets/runs/table_model.h"
#include "widgets/services/model_service.h"
#include "widgets/services/sweep_service.h"

namespace ts {
namespace {

/// A store in memory with the sample runs and their samples, as a catalogue.
struct Pages : testing::Test {
  std::unique_ptr<Store> store = std::move(*Store::inMemory());
  RunCatalogue catalogue;
  RunSelection selection;
  UserSettings settings;
  QTemporaryDir folder;

  void fill() {
    for (RunRecord run : sampleRuns()) {
      run.model.id = store->model(run.model).value();
      run.host.id = store->host(run.host).value();
      run.sweep = 0;
      run.id = store->addRun(run).value();
      if (run.state == RunState::Done) {
        for (int item = 0; item < 40; ++item)
          ASSERT_TRUE(store->addSample(run.id, {item, {{"nll", 256 * (std::log(run.metrics["perplexity"].value) + 0.2 * std::sin(item))}, {"tokens", 256}}}));
        ASSERT_TRUE(store->finish(run));
      } else {
        ASSERT_TRUE(store->setState(run.id, run.state, run.failureKind, run.message));
      }
    }
    catalogue.set(store->runs().value());
  }
  ComparePage::PairReader reader() {
    return [this](auto a, auto b, auto done) {
      done(readPair(store->run(a).value(), store->run(b).value(), store->samples(a).value(), store->samples(b).value(), ComparePage::kShownItems));
    };
  }
};

TEST_F(Pages, TellWhatToDoWhileThereIsNothing) {
  RunsPage runs(catalogue, selection, settings);
  FrontPage front(catalogue, selection, settings);
  ComparePage compare(catalogue, selection, reader());
  for (QWidget* page : std::initializer_list<QWidget*>{&runs, &front, &compare}) {
    page->resize(900, 600);
    page->show();
    EXPECT_FALSE(page->grab().isNull());
  }
}

TEST_F(Pages, OneSelectionForTableChartAndComparison) {
  fill();
  RunsPage runs(catalogue, selection, settings);
  FrontPage front(catalogue, selection, settings);
  ComparePage compare(catalogue, selection, reader());
  front.show();
  Q_EMIT front.view().picked(10, false);
  EXPECT_EQ(runs.table().selectionModel()->selectedRows().size(), 1);
  Q_EMIT front.view().picked(1, true);
  EXPECT_EQ(selection.selected(), (QList<std::int64_t>{10, 1}));
  EXPECT_EQ(runs.table().selectionModel()->selectedRows().size(), 2);
  ASSERT_EQ(compare.metricsModel().columnCount(), 4) << "metric, dense baseline, the other, difference";
  EXPECT_TRUE(compare.metricsModel().headerData(1, Qt::Horizontal, Qt::DisplayRole).toString().contains("#1 (baseline)"));
}

TEST_F(Pages, CompareShowsOnlyWhatDiffersAndSaysWhetherItIsReal) {
  fill();
  ComparePage compare(catalogue, selection, reader());
  QAbstractItemModelTester tester(&compare.settingsModel(), QAbstractItemModelTester::FailureReportingMode::Fatal);
  selection.select({1, 13});
  const QString settings = compare.settingsModel().asText();
  EXPECT_TRUE(settings.contains("q4:group=32"));
  EXPECT_FALSE(settings.contains("wikitext2")) << "both ran the same task";
  EXPECT_TRUE(compare.sentences().join("\n").contains("#13"));
  EXPECT_TRUE(compare.sentences().join("\n").contains("real at"));
  EXPECT_TRUE(compare.sentences().join("\n").contains("95 % interval of the difference")) << compare.sentences().join("\n").toStdString();
  EXPECT_TRUE(compare.sentences().join("\n").contains("paired bootstrap over 40 items"));
  QAbstractItemModelTester items(&compare.itemsModel(), QAbstractItemModelTester::FailureReportingMode::Fatal);
  EXPECT_EQ(compare.itemsModel().rowCount(), 40) << "the items that differ";
  const int before = compare.settingsModel().rowCount();
  compare.findChild<QCheckBox*>()->setChecked(true);
  EXPECT_GT(compare.settingsModel().rowCount(), before);
}

TEST_F(Pages, TheBaselineIsTheUsersChoice) {
  fill();
  ComparePage compare(catalogue, selection, reader());
  selection.select({1, 7});
  selection.setBaseline(13);
  EXPECT_TRUE(compare.metricsModel().headerData(1, Qt::Horizontal, Qt::DisplayRole).toString().contains("#13"));
}

TEST_F(Pages, RunsAreCopiedAndExportedAsTheyAreShown) {
  fill();
  RunsPage page(catalogue, selection, settings);
  selection.select({3});
  EXPECT_EQ(page.selectedAsText().split('\n', Qt::SkipEmptyParts).size(), 2);
  const QString path = folder.filePath("runs.csv");
  ASSERT_TRUE(page.exportCsv(path));
  QFile file(path);
  ASSERT_TRUE(file.open(QIODevice::ReadOnly));
  EXPECT_EQ(file.readAll().count("\r\n"), 1 + static_cast<int>(catalogue.runs().size()));
}

TEST_F(Pages, ANoteIsSavedWhenTheRunIsLeft) {
  fill();
  RunDetail detail(catalogue, selection);
  QSignalSpy noted(&catalogue, &RunCatalogue::noteEdited);
  selection.select({4});
  detail.findChild<QPlainTextEdit*>()->setPlainText("keeps its quality");
  selection.select({5});
  ASSERT_EQ(noted.count(), 1);
  EXPECT_EQ(noted[0][0].toLongLong(), 4);
  EXPECT_EQ(noted[0][1].toString(), "keeps its quality");
}

TEST_F(Pages, TheFrontIsToldInWordsAndExports) {
  fill();
  FrontPage page(catalogue, selection, settings);
  EXPECT_TRUE(page.summary().contains("on the front"));
  page.setAxes("bytes_total", "perplexity");
  EXPECT_EQ(page.plot().x.title, "Memory");
  for (const char* name : {"f.svg", "f.pdf", "f.png", "f.csv"}) EXPECT_TRUE(page.exportTo(folder.filePath(name)));
}

TEST_F(Pages, AFrontOfQualitiesAloneSetsTwoAgainstEachOther) {
  std::vector<RunRecord> runs = sampleRuns();
  for (RunRecord& run : runs) std::erase_if(run.metrics, [](const auto& m) { return m.first != "acc" && m.first != "perplexity" && m.first != "kl_mean"; });
  catalogue.set(runs);
  FrontPage page(catalogue, selection, settings);
  page.show();
  EXPECT_EQ(page.plot().y.title, "Perplexity");
  EXPECT_NE(page.plot().x.title, page.plot().y.title);
}

TEST_F(Pages, FrontLooksAtRunsThatCameInWhileItWasHiddenWhenItIsShown) {
  FrontPage page(catalogue, selection, settings);
  fill();
  EXPECT_TRUE(page.plot().points.empty()) << "hidden: no work while a sweep runs";
  page.show();
  EXPECT_FALSE(page.plot().points.empty());
  page.hide();
  catalogue.set({});
  page.setAxes("bytes_total", "perplexity");
  EXPECT_TRUE(page.plot().points.empty()) << "who asks for axes gets them of what is there";
}

TEST_F(Pages, HelpNamesEveryStrategy) {
  HelpPage page;
  for (const Strategy& strategy : registry().all()) EXPECT_TRUE(page.html().contains(QString::fromStdString(strategy.descriptor.id))) << strategy.descriptor.id;
}

TEST_F(Pages, ExperimentCountsPlansAndNamesWhatIsRefused) {
  ModelService models;
  SweepService sweeps;
  ExperimentPage page(models, sweeps, catalogue, settings);
  QSignalSpy updated(&page.preview(), &PlanPreview::updated);
  SweepDraft draft;
  draft.groups[0].weights = {"", "q8", "q4:group=32|64"};
  draft.groups[0].kv = {"", "q8", "q8 + q4"};
  page.setDraft(draft);
  ASSERT_TRUE(updated.wait(5000));
  EXPECT_EQ(page.preview().plans(), 12);
  EXPECT_EQ(page.preview().refused(), 4) << "two codecs cannot be one cache";
  EXPECT_EQ(page.preview().problem(), "");
}

TEST_F(Pages, ExperimentEditsCanBeUndoneAndFilesRoundTrip) {
  ModelService models;
  SweepService sweeps;
  ExperimentPage page(models, sweeps, catalogue, settings);
  const SweepDraft before = page.draft();
  SweepDraft draft = before;
  draft.name = "undo me";
  draft.groups[0].kv = {"", "h2o:budget=0.2|0.5"};
  page.setDraft(draft);
  EXPECT_EQ(page.draft(), draft);
  page.undoStack().undo();
  EXPECT_EQ(page.draft(), before);
  page.undoStack().redo();
  EXPECT_EQ(page.draft(), draft);
  const QString path = folder.filePath("sweep.json");
  ASSERT_TRUE(page.save(path));
  page.setDraft(before);
  ASSERT_TRUE(page.open(path));
  EXPECT_EQ(toJson(page.draft()), toJson(draft));
  EXPECT_FALSE(page.open(folder.filePath("missing.json")));
}

TEST_F(Pages, ModelsShowWhatIsInsideTheEmbeddedModel) {
  ModelService models;
  ModelsPage page(models, settings);
  QAbstractItemModelTester tester(&page.tensors(), QAbstractItemModelTester::FailureReportingMode::Fatal);
  QSignalSpy opened(&models, &ModelService::currentChanged);
  models.open("embedded:ts-16m");
  ASSERT_TRUE(opened.wait(20000));
  EXPECT_EQ(page.tensors().rowCount(), static_cast<int>(models.current()->summary.tensors.size()));
  EXPECT_EQ(settings.recentModels().first(), "embedded:ts-16m");
  const auto small = forecastMemory(models.current()->summary, 128, ""), large = forecastMemory(models.current()->summary, 1024, "");
  EXPECT_EQ(large.kv, 8 * small.kv);
  EXPECT_LT(forecastMemory(models.current()->summary, 1024, "q8").kv, large.kv / 3);
}

TEST_F(Pages, AFileThatIsNoModelIsSaidToBeNone) {
  ModelService models;
  QFile file(folder.filePath("broken.gguf"));
  ASSERT_TRUE(file.open(QIODevice::WriteOnly));
  file.write("GGUF, but not really");
  file.close();
  QSignalSpy failed(&models, &ModelService::failed);
  models.open(file.fileName());
  ASSERT_TRUE(failed.wait(10000));
  EXPECT_FALSE(models.busy());
  EXPECT_FALSE(failed[0][1].toString().isEmpty());
}

}  // namespace
}  // namespace ts
