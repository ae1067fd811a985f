// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/front_page.h"

#include <QAction>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMessageBox>
#include <set>

#include "widgets/base/buttons.h"
#include "widgets/base/flow_layout.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/selection.h"
#include "widgets/base/settings.h"
#include "widgets/base/text.h"
#include "widgets/charts/plot_export.h"
#include "widgets/charts/plot_view.h"
#include "widgets/pages/front_plot.h"
#include "widgets/runs/catalogue.h"
#include "widgets/runs/metric_text.h"

namespace ts {
namespace {

std::string groupOf(const RunRecord& run) { return run.model.name + " · " + run.task; }

void choose(QComboBox* box, const QString& data) {
  const int index = box->findData(data);
  if (index >= 0) box->setCurrentIndex(index);
}

QWidget* sideBySide(QWidget* left, QWidget* right) {  // an axis and its limit stay in one line
  auto* both = new QWidget;
  auto* row = new QHBoxLayout(both);
  row->setContentsMargins(0, 0, 0, 0);
  row->addWidget(left);
  row->addWidget(right);
  return both;
}

FrontChoice choiceOf(const std::string& x, const std::string& y) {
  FrontChoice choice;
  choice.x = x;
  choice.y = y;
  return choice;
}

}  // namespace

FrontPage::FrontPage(RunCatalogue& catalogue, RunSelection& selection, UserSettings& settings, QWidget* parent)
    : QWidget(parent), catalogue_(catalogue), selection_(selection), settings_(settings) {
  auto* header = new PageHeader(tr("Front"), tr("What should I choose? Each point is a run; those on the line cannot be beaten in both."));
  group_ = new QComboBox;
  group_->setAccessibleName(tr("Runs of one model and task"));
  group_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  header->addWidget(group_);
  auto* exporting = new QPushButton(icon(QStringLiteral("export")), tr("Export…"));
  header->addWidget(exporting);

  auto* exportAction = new QAction(icon(QStringLiteral("export")), tr("Export the chart…"), this);
  exportAction->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_E));
  exportAction->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  connect(exportAction, &QAction::triggered, this, &FrontPage::chooseFile);
  connect(exporting, &QPushButton::clicked, exportAction, &QAction::trigger);
  auto* copyAction = new QAction(icon(QStringLiteral("copy")), tr("Copy the summary"), this);
  copyAction->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_S));
  copyAction->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  connect(copyAction, &QAction::triggered, this, [this] { QGuiApplication::clipboard()->setText(summary()); });
  auto* kneeAction = new QAction(icon(QStringLiteral("target")), tr("Select the knee"), this);
  kneeAction->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_K));
  kneeAction->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  connect(kneeAction, &QAction::triggered, this, [this] {
    if (data_.knee) selection_.select({data_.points[*data_.knee].id});
  });
  actions_ = {exportAction, copyAction, kneeAction};
  addActions(actions_);

  x_ = new QComboBox;
  y_ = new QComboBox;
  colour_ = new QComboBox;
  for (QComboBox* box : {x_, y_, colour_}) box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  xLog_ = new QCheckBox(tr("log"));
  yLog_ = new QCheckBox(tr("log"));
  errors_ = new QCheckBox(tr("Error bars"));
  errors_->setChecked(true);
  focus_ = new QCheckBox(tr("Only the front"));
  focus_->setToolTip(tr("Let the axes cover the front; points far from it may fall outside"));
  xLimit_ = new QLineEdit;
  yLimit_ = new QLineEdit;
  for (QLineEdit* limit : {xLimit_, yLimit_}) {
    limit->setMaximumWidth(84);
    limit->setPlaceholderText(tr("none"));
    limit->setClearButtonEnabled(true);
  }
  xLog_->setAccessibleName(tr("Logarithmic horizontal axis"));
  yLog_->setAccessibleName(tr("Logarithmic vertical axis"));
  auto* controls = new Card;
  auto* flow = new FlowLayout(space::kLarge, space::kSmall);
  flow->addWidget(sideBySide(labelled(tr("Across"), x_, xLog_), labelled(tr("limit"), xLimit_)));
  flow->addWidget(sideBySide(labelled(tr("Up"), y_, yLog_), labelled(tr("limit"), yLimit_)));
  flow->addWidget(labelled(tr("Colour"), colour_));
  flow->addWidget(errors_);
  flow->addWidget(focus_);
  controls->body()->addLayout(flow);
  controls->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);

  view_ = new PlotView;
  view_->setBackgroundRole(QPalette::Base);
  auto* chart = new Card;
  chart->layout()->setContentsMargins(6, 6, 6, 6);
  chart->body()->addWidget(view_, 1);

  auto* reading = new Card(tr("In words"));
  auto* knee = new QPushButton(icon(QStringLiteral("target")), tr("Select the knee"));
  connect(knee, &QPushButton::clicked, kneeAction, &QAction::trigger);
  reading->addHeaderWidget(knee);
  words_ = new QLabel;
  words_->setWordWrap(true);
  words_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  words_->setAccessibleName(tr("Summary of the chart"));
  reading->body()->addWidget(words_);
  reading->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);

  auto* content = new QWidget;
  auto* contentColumn = new QVBoxLayout(content);
  contentColumn->setContentsMargins(0, 0, 0, 0);
  contentColumn->setSpacing(space::kMedium);
  contentColumn->addWidget(controls);
  contentColumn->addWidget(chart, 1);
  contentColumn->addWidget(reading);
  auto* empty = new EmptyState(QStringLiteral("front"), tr("No front yet"),
                               tr("A front needs finished runs with at least two metrics, such as perplexity and decode speed. Points appear here while a sweep runs."));
  connect(empty->addButton(QStringLiteral("experiment"), tr("Plan an experiment"), true), &QAbstractButton::clicked, this,
          &FrontPage::experimentRequested);
  stack_ = new ContentOrEmpty(content, empty);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(space::kLarge, space::kLarge, space::kLarge, space::kMedium);
  column->setSpacing(space::kMedium);
  column->addWidget(header);
  column->addWidget(stack_, 1);

  connect(&catalogue_, &RunCatalogue::changed, this, &FrontPage::refresh);
  connect(&selection_, &RunSelection::changed, this, [this] { view_->setSelected(selection_.selected()); });
  connect(group_, &QComboBox::currentIndexChanged, this, [this] { fillMetrics(), rebuild(); });
  for (QComboBox* box : {x_, y_}) connect(box, &QComboBox::activated, this, [this] { chosen_ = true; });
  for (QComboBox* box : {x_, y_, colour_}) connect(box, &QComboBox::currentIndexChanged, this, &FrontPage::rebuild);
  for (QCheckBox* box : {xLog_, yLog_, errors_, focus_}) connect(box, &QCheckBox::toggled, this, &FrontPage::rebuild);
  for (QLineEdit* limit : {xLimit_, yLimit_}) connect(limit, &QLineEdit::textChanged, this, &FrontPage::rebuild);
  connect(view_, &PlotView::picked, this, [this](std::int64_t id, bool add) { add ? selection_.toggle(id) : selection_.select({id}); });
  connect(view_, &PlotView::brushed, &selection_, &RunSelection::select);
  connect(view_, &PlotView::activated, this, &FrontPage::runActivated);
  build();
}

std::string FrontPage::metricOf(const QComboBox* box) const { return utf8(box->currentData().toString()); }

void FrontPage::setAxes(const std::string& x, const std::string& y) {
  if (stale_) build();
  choose(x_, text(x));
  choose(y_, text(y));
  chosen_ = true;
}

void FrontPage::showEvent(QShowEvent* event) {
  if (stale_) {
    build();
    view_->flush();  // no frame with the chart of before
  }
  QWidget::showEvent(event);
}

void FrontPage::refresh() {
  // Out of sight, runs that come in are looked at when the page is shown.
  isVisible() ? build() : void(stale_ = true);
}

void FrontPage::build() {
  stale_ = false;
  fillGroups();
  fillMetrics();
  rebuild();
}

void FrontPage::fillGroups() {
  const QSignalBlocker quiet(group_);
  const QString before = group_->currentData().toString();
  std::map<std::string, int> groups;
  std::string newest;
  for (const RunRecord& run : catalogue_.runs())
    if (run.state == RunState::Done) ++groups[newest = groupOf(run)];
  group_->clear();
  for (const auto& [group, runs] : groups) group_->addItem(tr("%1 (%n run(s))", nullptr, runs).arg(text(group)), text(group));
  if (groups.size() > 1) group_->addItem(tr("All runs, comparable or not"), QString());
  choose(group_, group_->findData(before) >= 0 && !before.isEmpty() ? before : text(newest));
  group_->setVisible(!groups.empty());
}

void FrontPage::fillMetrics() {
  const QString wanted = group_->currentData().toString();
  std::set<std::string> settings;
  std::set<std::string, MetricOrder> metrics;
  for (const RunRecord& run : catalogue_.runs()) {
    if (run.state != RunState::Done || (!wanted.isEmpty() && text(groupOf(run)) != wanted)) continue;
    for (const auto& [name, value] : run.metrics) metrics.insert(name);
    for (const auto& [name, value] : run.settings)
      if (name.find('.') == std::string::npos && !value.empty()) settings.insert(name);
  }
  // Runs of which only quality was measured have none of the costs: two qualities then, never one against itself.
  const auto first = [&](std::initializer_list<const char*> names, const QString& other) {
    for (const char* name : names)
      if (metrics.contains(name)) return text(name);
    for (const auto& name : metrics)
      if (text(name) != other) return text(name);
    return other;
  };
  const auto fill = [&](QComboBox* box, const QString& fallback) {
    const QSignalBlocker quiet(box);
    const QString before = box->currentData().toString();
    box->clear();
    for (const auto& name : metrics) {
      box->addItem(metricTitle(name), text(name));
      box->setItemData(box->count() - 1, metricHelp(name), Qt::ToolTipRole);
    }
    choose(box, chosen_ && box->findData(before) >= 0 ? before : fallback);
  };
  const QString quality = first({"perplexity", "bits_per_byte", "acc", "kl_mean"}, QString());
  fill(x_, first({"decode_tokens_per_s", "bytes_total", "bytes_weights", "ttft_ms"}, quality));
  fill(y_, quality);
  const QSignalBlocker quiet(colour_);
  const QString before = colour_->currentData().toString();
  colour_->clear();
  colour_->addItem(tr("Technique"), QStringLiteral("technique"));
  for (const auto& name : settings)
    if (name == "weights" || name == "kv" || name == "decode" || name == "activations") colour_->addItem(settingTitle(name), text(name));
  choose(colour_, before);
  stack_->showContent(metrics.size() > 1);
}

void FrontPage::rebuild() {
  const QString wanted = group_->currentData().toString();
  std::vector<RunRecord> runs;
  for (const RunRecord& run : catalogue_.runs())
    if (wanted.isEmpty() || text(groupOf(run)) == wanted) runs.push_back(run);
  FrontChoice choice = choiceOf(metricOf(x_), metricOf(y_));
  choice.xLogarithmic = xLog_->isChecked();
  choice.yLogarithmic = yLog_->isChecked();
  choice.xLimit = parseQuantity(xLimit_->text());
  choice.yLimit = parseQuantity(yLimit_->text());
  choice.colourBy = utf8(colour_->currentData().toString());
  choice.errorBars = errors_->isChecked();
  choice.focusOnFront = focus_->isChecked();
  FrontPicture picture = makeFrontPicture(runs, choice);
  words_->setText(describe(picture, runs, choice));
  const bool up[] = {picture.plot.x.higherIsBetter, picture.plot.y.higherIsBetter};
  QLineEdit* const limits[] = {xLimit_, yLimit_};
  for (int i = 0; i < 2; ++i)
    limits[i]->setToolTip(up[i] ? tr("The least still wanted, such as 50 or 40 MB") : tr("The most still wanted, such as 50 or 40 MB"));
  front_ = picture.front;
  data_ = picture.plot;
  view_->setData(picture.plot);
  view_->setSelected(selection_.selected());
  view_->setAccessibleName(tr("Pareto chart of %1 against %2").arg(data_.y.title, data_.x.title));
  view_->setAccessibleDescription(words_->text());
}

QString FrontPage::summary() const { return words_->text(); }

void FrontPage::chooseFile() {
  const QString path = QFileDialog::getSaveFileName(this, tr("Export the front"), settings_.lastFolder() + QStringLiteral("/front.svg"),
                                                    tr("SVG (*.svg);;PDF (*.pdf);;PNG (*.png);;CSV (*.csv)"));
  if (!path.isEmpty()) exportTo(path);
}

bool FrontPage::exportTo(const QString& path) {
  const QString title = tr("%1 against %2").arg(data_.y.title, data_.x.title);
  const auto written = exportPlot(data_, path, title, summary());
  if (!written) QMessageBox::warning(this, tr("Export"), text(written.error().message));
  else Q_EMIT message(tr("Chart written to %1").arg(path));
  return written.has_value();
}

}  // namespace ts
