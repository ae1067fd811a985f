// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QIcon>

#include "tests/widgets/sample_runs.h"
#include "widgets/runs/filter_model.h"
#include "widgets/runs/table_model.h"

namespace ts {
namespace {

struct RunTable : testing::Test {
  RunCatalogue catalogue;
  RunTableModel model{catalogue};
  QAbstractItemModelTester tester{&model, QAbstractItemModelTester::FailureReportingMode::Fatal};

  QString cell(int row, const char* column, int role = Qt::DisplayRole) {
    return model.index(row, static_cast<int>(model.columns().indexOf(QLatin1String(column)))).data(role).toString();
  }
};

TEST_F(RunTable, ShowsOneRowARunWithStateInWordsAndIcon) {
  const auto runs = sampleRuns();
  catalogue.set(runs);
  ASSERT_EQ(model.rowCount(), static_cast<int>(runs.size()));
  EXPECT_EQ(cell(0, "state"), "Done");
  EXPECT_EQ(cell(model.rowCount() - 2, "state"), "Failed");
  const QModelIndex state = model.index(0, static_cast<int>(model.columns().indexOf("state")));
  EXPECT_FALSE(state.data(Qt::DecorationRole).value<QIcon>().isNull());
  EXPECT_EQ(cell(0, "metric:bytes_total"), QStringLiteral("38.8\u00a0MB"));
}

TEST_F(RunTable, AValueThatDoesNotExistIsADashAndNotZero) {
  catalogue.set(sampleRuns());
  EXPECT_EQ(cell(model.rowCount() - 2, "metric:perplexity"), QStringLiteral("–"));
  EXPECT_FALSE(model.index(model.rowCount() - 2, static_cast<int>(model.columns().indexOf("metric:perplexity"))).data(RunTableModel::RawRole).isValid());
}

TEST_F(RunTable, GrowsWhileASweepRunsWithoutForgettingTheSelection) {
  auto runs = sampleRuns();
  const auto all = runs;
  runs.resize(5);
  catalogue.set(runs);
  const QPersistentModelIndex kept(model.index(3, 0));
  catalogue.set(all);
  EXPECT_TRUE(kept.isValid());
  EXPECT_EQ(model.rowCount(), static_cast<int>(all.size()));
}

TEST_F(RunTable, SortsMissingValuesLastInBothDirections) {
  catalogue.set(sampleRuns());
  RunFilterModel filter;
  QAbstractItemModelTester filterTester(&filter, QAbstractItemModelTester::FailureReportingMode::Fatal);
  filter.setSourceModel(&model);
  const int column = static_cast<int>(model.columns().indexOf("metric:perplexity"));
  for (const Qt::SortOrder order : {Qt::AscendingOrder, Qt::DescendingOrder}) {
    filter.sort(column, order);
    const auto raw = [&](int row) { return filter.index(row, column).data(RunTableModel::RawRole); };
    EXPECT_FALSE(raw(filter.rowCount() - 1).isValid());
    EXPECT_FALSE(raw(filter.rowCount() - 2).isValid());
    const double first = raw(0).toDouble(), second = raw(1).toDouble();
    EXPECT_TRUE(order == Qt::AscendingOrder ? first <= second : first >= second);
  }
}

TEST_F(RunTable, FiltersByWordsAndByWordsThatMustNotOccur) {
  catalogue.set(sampleRuns());
  RunFilterModel filter;
  filter.setSourceModel(&model);
  filter.setText("h2o gptq");
  EXPECT_EQ(filter.rowCount(), 4) << "two measured ones, the failed and the refused one";
  filter.setText("h2o gptq -refused");
  EXPECT_EQ(filter.rowCount(), 3);
  filter.setText("");
  filter.setState(RunState::Failed);
  EXPECT_EQ(filter.rowCount(), 1);
}

TEST_F(RunTable, ColumnsAreTheUsersChoice) {
  catalogue.set(sampleRuns());
  EXPECT_TRUE(model.availableColumns().contains("engaged:draft.accepted"));
  model.setColumns({"run", "engaged:draft.accepted"});
  EXPECT_EQ(model.columnCount(), 2);
  EXPECT_EQ(cell(1, "engaged:draft.accepted"), "211");
  model.setColumns({});
  EXPECT_EQ(model.columns(), model.defaultColumns());
}

}  // namespace
}  // namespace ts
