// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QFile>
#include <QImage>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QXmlStreamReader>
#include <cmath>
#include <limits>

#include "tests/widgets/sample_runs.h"
#include "widgets/charts/plot_axis.h"
#include "widgets/charts/plot_export.h"
#include "widgets/base/text.h"
#include "widgets/charts/plot_view.h"
#include "widgets/pages/front_plot.h"

namespace ts {
namespace {

FrontChoice choice() {
  FrontChoice c;
  c.x = "decode_tokens_per_s";
  c.y = "perplexity";
  return c;
}

QByteArray contents(const QString& path) {
  QFile file(path);
  EXPECT_TRUE(file.open(QIODevice::ReadOnly)) << qPrintable(path);
  return file.readAll();
}

TEST(PlotAxis, HasTicksInsideOneDecadeOfALogarithmicAxis) {
  const AxisScale scale = makeScale(2, 9, true, {});
  EXPECT_GE(scale.ticks.size(), 3);
  for (const auto& tick : scale.ticks) EXPECT_TRUE(tick.position >= scale.low && tick.position <= scale.high);
}

TEST(PlotAxis, LabelsDecadesWhenTheRangeIsLarge) {
  const AxisScale scale = makeScale(1, 1e6, true, [](double v) { return QString::number(v); });
  EXPECT_GE(scale.ticks.size(), 4);
  EXPECT_LE(scale.ticks.size(), 10);
  EXPECT_DOUBLE_EQ(scale.position(1000), 3);
  EXPECT_TRUE(std::isnan(scale.position(-1)));
}

TEST(PlotAxis, SurvivesEqualAndStrangeRanges) {
  for (const bool logarithmic : {false, true})
    for (const auto& [low, high] : {std::pair{5.0, 5.0}, {0.0, 0.0}, {-3.0, 4.0}, {1e-12, 1e12}}) {
      const AxisScale scale = makeScale(low, high, logarithmic, {});
      EXPECT_LT(scale.low, scale.high);
      EXPECT_LT(scale.ticks.size(), 40);
    }
}

TEST(FrontPicture, GivesEveryTechniqueItsOwnColourAndShape) {
  const FrontPicture picture = makeFrontPicture(sampleRuns(), choice());
  std::set<std::pair<int, int>> looks;
  for (const PlotSeries& series : picture.plot.series) looks.insert({series.colour, static_cast<int>(series.marker)});
  EXPECT_EQ(looks.size(), static_cast<std::size_t>(picture.plot.series.size()));
  EXPECT_EQ(picture.plot.series.first().title, "Dense");
  EXPECT_EQ(picture.plot.points.size(), 36);
}

TEST(FrontPicture, KeepsRunsBeyondALimitOffTheFrontAndSaysSo) {
  FrontChoice c = choice();
  c.yLimit = 39.0;
  const FrontPicture picture = makeFrontPicture(sampleRuns(), c);
  EXPECT_GT(picture.outside, 0);
  for (const PlotPoint& point : picture.plot.points) {
    EXPECT_FALSE(point.y > 39.0 && (point.onFront || point.feasible));
  }
  EXPECT_TRUE(describe(picture, sampleRuns(), c).contains("outside the limits"));
}

TEST(FrontPicture, IsDescribedInWords) {
  const auto words = describe(makeFrontPicture(sampleRuns(), choice()), sampleRuns(), choice());
  EXPECT_TRUE(words.contains("on the front"));
  EXPECT_TRUE(words.contains("knee"));
  EXPECT_TRUE(words.contains("Best perplexity"));
}

TEST(FrontPicture, SaysWhatIsChanceWhatIsNotComparableAndWhatBreaksAConstraint) {
  auto runs = sampleRuns();
  for (RunRecord& run : runs) run.provenance["constraints"] = "perplexity < 1";
  std::ranges::find(runs, RunState::Done, &RunRecord::state)->host.cpu = "another processor";
  const auto words = describe(makeFrontPicture(runs, choice()), runs, choice());
  EXPECT_TRUE(words.contains("Holm's correction over")) << utf8(words);
  EXPECT_TRUE(words.contains("differ in the machine")) << utf8(words);
  EXPECT_TRUE(words.contains("outside their sweep's constraints")) << utf8(words);
}

TEST(FrontPicture, ReadsQuantitiesAsPeopleTypeThem) {
  EXPECT_DOUBLE_EQ(parseQuantity("40 MB").value(), 40e6);
  EXPECT_DOUBLE_EQ(parseQuantity("1.5e3").value(), 1500);
  EXPECT_FALSE(parseQuantity("many"));
  EXPECT_FALSE(parseQuantity(""));
}

TEST(PlotView, ClickingAPointPicksItsRun) {
  const FrontPicture picture = makeFrontPicture(sampleRuns(), choice());
  PlotView view;
  view.resize(800, 600);
  view.show();
  view.setData(picture.plot);
  view.flush();
  QApplication::processEvents();
  QSignalSpy picked(&view, &PlotView::picked);
  const PlotPoint& point = picture.plot.points[picture.plot.front.last()];
  QWidget* surface = view.childAt(view.rect().center());
  ASSERT_TRUE(surface);
  QTest::mouseClick(surface, Qt::LeftButton, {}, surface->mapFrom(&view, view.positionOf(point.id).toPoint()));
  ASSERT_EQ(picked.count(), 1);
  EXPECT_EQ(picked[0][0].toLongLong(), point.id);
}

TEST(PlotView, ArrowKeysWalkAlongTheFront) {
  const FrontPicture picture = makeFrontPicture(sampleRuns(), choice());
  PlotView view;
  view.resize(800, 600);
  view.show();
  view.setData(picture.plot);
  view.flush();
  QSignalSpy picked(&view, &PlotView::picked);
  const auto idOfFront = [&](int i) { return picture.plot.points[picture.plot.front[i]].id; };
  QTest::keyClick(&view, Qt::Key_Right);
  view.setSelected({idOfFront(0)});
  QTest::keyClick(&view, Qt::Key_Right);
  ASSERT_EQ(picked.count(), 2);
  EXPECT_EQ(picked[0][0].toLongLong(), idOfFront(0));
  EXPECT_EQ(picked[1][0].toLongLong(), idOfFront(1));
}

TEST(PlotView, SurvivesValuesThatCannotBeDrawn) {
  FrontPicture picture = makeFrontPicture(sampleRuns(), choice());
  picture.plot.points[0].x = std::numeric_limits<double>::quiet_NaN();
  picture.plot.points[1].y = -1;
  picture.plot.y.logarithmic = true;
  PlotView view;
  view.resize(500, 400);
  view.show();
  view.setData(picture.plot);
  view.flush();
  EXPECT_TRUE(view.positionOf(picture.plot.points[0].id).isNull());
  EXPECT_FALSE(view.positionOf(picture.plot.points[2].id).isNull());
}

struct Export : testing::Test {
  QTemporaryDir folder;
  Export() { folder.setAutoRemove(qEnvironmentVariableIsEmpty("KEEP")); }
  FrontPicture picture = makeFrontPicture(sampleRuns(), choice());
  QString write(const char* name) {
    const QString path = folder.filePath(name);
    const auto written = exportPlot(picture.plot, path, "Title", "Summary of the chart");
    EXPECT_TRUE(written) << (written ? "" : written.error().message);
    return path;
  }
};

TEST_F(Export, PngHasTwiceTheSizeAndShowsColours) {
  const QImage image(write("front.png"));
  ASSERT_EQ(image.size(), QSize(2200, 1440));
  int coloured = 0, left = image.width(), right = 0, bottom = 0;
  for (int y = 0; y < image.height(); y += 3)
    for (int x = 0; x < image.width(); x += 3)
      if (QColor(image.pixel(x, y)).saturation() > 100) ++coloured, left = std::min(left, x), right = std::max(right, x), bottom = std::max(bottom, y);
  EXPECT_GT(coloured, 100);
  EXPECT_LT(left, image.width() / 5) << "the chart fills the picture";
  EXPECT_GT(right, image.width() * 4 / 5);
  EXPECT_GT(bottom, image.height() / 2);
}

TEST_F(Export, SvgIsWellFormedWithItsSummaryTextAndShapes) {
  QXmlStreamReader xml(contents(write("front.svg")));
  int texts = 0, paths = 0;
  bool described = false;
  while (!xml.atEnd()) {
    if (xml.readNext() != QXmlStreamReader::StartElement) continue;
    texts += xml.name() == QStringLiteral("text");
    paths += xml.name() == QStringLiteral("path") || xml.name() == QStringLiteral("polyline") || xml.name() == QStringLiteral("circle") || xml.name() == QStringLiteral("ellipse");
    if (xml.name() == QStringLiteral("desc")) described = xml.readElementText().contains("Summary");
  }
  EXPECT_FALSE(xml.hasError()) << qPrintable(xml.errorString());
  EXPECT_GT(texts, 14) << "titles, ticks, legend";
  EXPECT_GT(paths, 20);
  EXPECT_TRUE(described);
}

TEST_F(Export, PdfIsOnePage) {
  const QByteArray pdf = contents(write("front.pdf"));
  EXPECT_TRUE(pdf.startsWith("%PDF-"));
  EXPECT_EQ(pdf.count("/Type /Page\n"), 1);
}

TEST_F(Export, CsvHasALineAPointAndReadsBack) {
  const auto lines = QString::fromUtf8(contents(write("front.csv"))).split("\r\n", Qt::SkipEmptyParts);
  ASSERT_EQ(lines.size(), picture.plot.points.size() + 1);
  EXPECT_TRUE(lines[0].startsWith("run,plan,technique,"));
  const QStringList first = lines[1].split(',');
  EXPECT_EQ(first[0].toLongLong(), picture.plot.points[0].id);
  EXPECT_TRUE(lines.join("\n").contains("\"gptq:bits=4,group=32\"")) << "a comma inside a field is quoted";
}

TEST_F(Export, SaysWhatIsWrong) {
  EXPECT_FALSE(exportPlot(picture.plot, folder.filePath("front.bmp"), "", ""));
  const auto nowhere = exportPlot(picture.plot, folder.filePath("no/such/folder/front.csv"), "", "");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().kind, ErrorKind::Io);
}

}  // namespace
}  // namespace ts
