// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/compare_page.h"

#include <QAction>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QHeaderView>
#include <QPushButton>
#include <QRegularExpression>
#include <QScrollArea>
#include <QSplitter>
#include <set>

#include "widgets/base/buttons.h"
#include "widgets/base/flow_layout.h"
#include "widgets/base/grid_model.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/selection.h"
#include "widgets/base/table.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/runs/catalogue.h"
#include "widgets/runs/metric_text.h"

namespace ts {
namespace {

void widen(Table* table) {
  table->resizeColumnsToContents();
  for (int c = 0; c + 1 < table->model()->columnCount(); ++c) table->setColumnWidth(c, table->columnWidth(c) + 18);
}

/// The comparison calls its runs A and B; here they have numbers.
QString withNumbers(const std::string& sentence, std::int64_t a, std::int64_t b) {
  static const QRegularExpression first(QStringLiteral("\\bA\\b")), second(QStringLiteral("\\bB\\b"));
  return text(sentence).replace(first, QStringLiteral("#%1").arg(a)).replace(second, QStringLiteral("#%1").arg(b));
}

}  // namespace

ComparePage::ComparePage(RunCatalogue& catalogue, RunSelection& selection, PairReader reader, QWidget* parent)
    : QWidget(parent), catalogue_(catalogue), selection_(selection), reader_(std::move(reader)) {
  auto* header = new PageHeader(tr("Compare"), tr("What exactly differs between these runs, and is it real?"));
  baseline_ = new QComboBox;
  baseline_->setAccessibleName(tr("Baseline"));
  baseline_->setMinimumWidth(180);
  baseline_->setMaximumWidth(320);
  everything_ = new QCheckBox(tr("Also what is equal"));
  auto* copyAction = new QAction(icon(QStringLiteral("copy")), tr("Copy the comparison"), this);
  copyAction->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_S));
  copyAction->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  connect(copyAction, &QAction::triggered, this, [this] {
    QGuiApplication::clipboard()->setText(sentences_.join(QLatin1Char('\n')) + QStringLiteral("\n\n") + settings_->asText() + QLatin1Char('\n') + metrics_->asText() + QLatin1Char('\n') + items_->asText());
  });
  actions_ << copyAction;
  addAction(copyAction);
  QToolButton* copy = iconButton(QStringLiteral("copy"), copyAction->text());
  connect(copy, &QToolButton::clicked, copyAction, &QAction::trigger);
  header->addWidget(everything_);
  header->addWidget(labelled(tr("Baseline"), baseline_));
  header->addWidget(copy);

  auto* wordsCard = new Card(tr("Is it real?"));
  auto* wordsBox = new QWidget;
  words_ = new QVBoxLayout(wordsBox);
  words_->setContentsMargins(0, 0, 0, 0);
  words_->setSpacing(space::kTight + 2);
  auto* scroll = new QScrollArea;
  scroll->setWidget(wordsBox);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setBackgroundRole(QPalette::Base);
  wordsBox->setAutoFillBackground(false);
  scroll->viewport()->setAutoFillBackground(false);
  wordsCard->body()->addWidget(scroll, 1);

  settings_ = new GridModel(this);
  metrics_ = new GridModel(this);
  const auto table = [](GridModel* model, const QString& name) {
    auto* view = new Table(model);
    view->setSelectionBehavior(QAbstractItemView::SelectItems);
    view->horizontalHeader()->setMaximumSectionSize(420);
    view->setAccessibleName(name);
    return view;
  };
  auto* settingsCard = new Card(tr("Settings that differ"));
  settingsCard->body()->addWidget(settingsTable_ = table(settings_, tr("Settings")), 1);
  auto* metricsCard = new Card(tr("Metrics"));
  metricsCard->body()->addWidget(metricsTable_ = table(metrics_, tr("Metrics")), 1);
  connect(everything_, &QCheckBox::toggled, settingsCard,
          [settingsCard](bool all) { settingsCard->setTitle(all ? tr("Settings") : tr("Settings that differ")); });

  auto* lower = new QSplitter(Qt::Horizontal);
  lower->setHandleWidth(space::kMedium);
  lower->setChildrenCollapsible(false);
  lower->addWidget(settingsCard);
  lower->addWidget(wordsCard);
  lower->setSizes({500, 500});
  items_ = new GridModel(this);
  itemsSummary_ = new QLabel;
  itemsSummary_->setWordWrap(true);
  itemsSummary_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* itemsCard = new Card(tr("Items that differ"));
  itemsCard->body()->addWidget(itemsSummary_);
  itemsCard->body()->addWidget(itemsTable_ = table(items_, tr("Items that differ")), 1);
  auto* split = new QSplitter(Qt::Vertical);
  split->setHandleWidth(space::kMedium);
  split->setChildrenCollapsible(false);
  split->addWidget(metricsCard);
  split->addWidget(lower);
  split->addWidget(itemsCard);
  split->setSizes({300, 300, 240});
  auto* empty = new EmptyState(QStringLiteral("compare"), tr("Select two or more runs"),
                               tr("Hold Ctrl and click rows of the run table or points of the front; they are compared here item by item with the baseline."));
  connect(empty->addButton(QStringLiteral("runs"), tr("Go to the runs"), true), &QAbstractButton::clicked, this, &ComparePage::runsRequested);
  stack_ = new ContentOrEmpty(split, empty);

  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(space::kLarge, space::kLarge, space::kLarge, space::kMedium);
  column->setSpacing(space::kMedium);
  column->addWidget(header);
  column->addWidget(stack_, 1);

  connect(&selection_, &RunSelection::changed, this, &ComparePage::refresh);
  connect(&selection_, &RunSelection::baselineChanged, this, &ComparePage::refresh);
  connect(&catalogue_, &RunCatalogue::changed, this, &ComparePage::refresh);
  connect(everything_, &QCheckBox::toggled, this, &ComparePage::fill);
  connect(baseline_, &QComboBox::activated, this, [this] { selection_.setBaseline(baseline_->currentData().toLongLong()); });
  refresh();
}

QList<std::int64_t> ComparePage::comparedRuns() const {
  QList<std::int64_t> runs;
  for (const auto id : selection_.selected())
    if (catalogue_.find(id)) runs << id;
  std::int64_t first = selection_.baseline();
  if (!catalogue_.find(first)) {  // nobody chose one: the dense run, else the oldest
    first = 0;
    for (const auto id : runs)
      if (techniqueOf(*catalogue_.find(id)) == "dense") first = id;
    if (!first && !runs.isEmpty()) first = *std::min_element(runs.begin(), runs.end());
  }
  runs.removeOne(first);
  std::sort(runs.begin(), runs.end());
  if (first) runs.prepend(first);
  return runs;
}

void ComparePage::refresh() {
  const QList<std::int64_t> runs = comparedRuns();
  stack_->showContent(runs.size() > 1);
  // Runs elsewhere in the store come and go while a sweep runs; what is compared here mostly stays as it is.
  std::vector<std::pair<std::int64_t, std::map<std::string, MetricValue>>> compared;
  for (const auto id : runs) compared.emplace_back(id, catalogue_.find(id)->metrics);
  if (compared == compared_) return;
  compared_ = std::move(compared);
  readings_.clear();
  const std::uint64_t request = ++request_;
  const QSignalBlocker quiet(baseline_);
  baseline_->clear();
  for (const auto id : runs) baseline_->addItem(tr("%1: %2").arg(id).arg(planTitle(*catalogue_.find(id))), QVariant::fromValue<qlonglong>(id));
  baseline_->parentWidget()->setVisible(runs.size() > 1);
  everything_->setVisible(runs.size() > 1);
  for (qsizetype i = 1; i < runs.size(); ++i) {
    const auto a = runs.first(), b = runs[i];
    if (const RunRecord *x = catalogue_.find(a), *y = catalogue_.find(b); x && y) readings_[b].comparison = compareRuns(*x, *y, {}, {});
    reader_(a, b, [this, request, b](PairReading reading) {
      if (request != request_) return;
      readings_[b] = std::move(reading);
      fill();
    });
  }
  fill();
}

void ComparePage::fill() {
  const QList<std::int64_t> runs = comparedRuns();
  fillSettings(runs);
  fillMetrics(runs);
  fillWords(runs);
  fillItems(runs);
}

void ComparePage::fillSettings(const QList<std::int64_t>& runs) {
  QStringList header{tr("Setting")};
  std::set<std::string> names{"model", "task", "machine", "engine", "seed"};
  const auto value = [](const RunRecord& run, const std::string& name) -> std::string {
    if (name == "model") return run.model.name;
    if (name == "task") return run.task;
    if (name == "machine") return run.host.cpu;
    if (name == "engine") return run.engineVersion;
    if (name == "seed") return std::to_string(run.seed);
    const auto it = run.settings.find(name);
    return it == run.settings.end() ? "" : it->second;
  };
  for (const auto id : runs) {
    const RunRecord& run = *catalogue_.find(id);
    header << (id == runs.first() ? tr("#%1 (baseline)").arg(id) : QStringLiteral("#%1").arg(id));
    for (const auto& [name, v] : run.settings) names.insert(name);
  }
  std::vector<GridModel::Row> rows;
  for (const std::string& name : names) {
    GridModel::Row row{{settingTitle(name), {}, false, true}};
    bool differs = false;
    for (const auto id : runs) {
      const std::string v = value(*catalogue_.find(id), name), base = value(*catalogue_.find(runs.first()), name);
      differs |= v != base;
      row.push_back({v.empty() ? missing() : text(v), text(v), v != base});
    }
    if (differs || everything_->isChecked()) rows.push_back(std::move(row));
  }
  settings_->set(header, std::move(rows));
  widen(settingsTable_);
}

void ComparePage::fillMetrics(const QList<std::int64_t>& runs) {
  QStringList header{tr("Metric")};
  std::set<std::string, MetricOrder> names;
  for (const auto id : runs) {
    header << (id == runs.first() ? tr("#%1 (baseline)").arg(id) : QStringLiteral("#%1").arg(id));
    if (id != runs.first()) header << tr("difference");
    for (const auto& [name, v] : catalogue_.find(id)->metrics) names.insert(name);
  }
  std::vector<GridModel::Row> rows;
  for (const std::string& name : names) {
    GridModel::Row row{{metricTitle(name), metricHelp(name), false, true}};
    for (const auto id : runs) {
      const auto& metrics = catalogue_.find(id)->metrics;
      const auto it = metrics.find(name);
      row.push_back({it == metrics.end() ? missing() : metricTextWithUnit(name, it->second)});
      if (id == runs.first()) continue;
      const Comparison& comparison = readings_[id].comparison;
      const auto found = std::find_if(comparison.metrics.begin(), comparison.metrics.end(), [&](const auto& d) { return d.metric == name; });
      if (found == comparison.metrics.end()) {
        row.push_back({missing(), {}, false, true});
        continue;
      }
      const double relative = found->a != 0 ? found->difference / std::abs(found->a) * 100 : 0;
      QString shown = found->difference == 0 ? tr("equal") : QStringLiteral("%1%2").arg(found->difference > 0 ? QStringLiteral("+") : QStringLiteral("−"), metricValueText(name, std::abs(found->difference)));
      if (found->difference != 0 && found->a != 0) shown += QStringLiteral("  (%1%2 %)").arg(relative > 0 ? QStringLiteral("+") : QStringLiteral("−")).arg(std::abs(relative), 0, 'f', 1);
      const bool real = !found->p || *found->p < 0.05;
      GridModel::Cell cell{shown, withNumbers(found->sentence, runs.first(), id), false, found->difference == 0 || !real};
      if (found->better || found->worse) {
        cell.iconName = !real ? QStringLiteral("cancelled") : found->better ? QStringLiteral("done") : QStringLiteral("failed");
        cell.tone = static_cast<int>(!real ? Tone::Neutral : found->better ? Tone::Good : Tone::Bad);
      }
      row.push_back(cell);
    }
    rows.push_back(std::move(row));
  }
  metrics_->set(header, std::move(rows));
  widen(metricsTable_);
}

void ComparePage::fillWords(const QList<std::int64_t>& runs) {
  while (QLayoutItem* item = words_->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  sentences_.clear();
  const auto add = [this](const QString& words, const QString& iconName, Tone tone) {
    auto* line = new QWidget;
    auto* row = new QHBoxLayout(line);
    row->setContentsMargins(0, 0, 0, 0);
    if (!iconName.isEmpty()) {
      auto* mark = new QLabel;
      mark->setPixmap(icon(iconName, toneColour(tone, palette())).pixmap(QSize(15, 15), devicePixelRatioF()));
      row->addWidget(mark, 0, Qt::AlignTop);
    }
    auto* label = iconName.isEmpty() ? headingLabel(words) : new QLabel(words);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    row->addWidget(label, 1);
    words_->addWidget(line);
    sentences_ << words;
  };
  for (qsizetype i = 1; i < runs.size(); ++i) {
    const RunRecord& run = *catalogue_.find(runs[i]);
    const Comparison& comparison = readings_[runs[i]].comparison;
    add(tr("#%1 %2, against #%3").arg(run.id).arg(planTitle(run)).arg(runs.first()), {}, Tone::Neutral);
    for (const std::string& warning : comparison.warnings) add(text(warning), QStringLiteral("warning"), Tone::Warning);
    std::map<std::string, MetricDifference, MetricOrder> ordered;
    for (const MetricDifference& d : comparison.metrics)
      if (!d.sentence.empty() && (d.difference != 0 || everything_->isChecked())) ordered[d.metric] = d;
    for (const auto& [name, d] : ordered) {
      const bool real = !d.p || *d.p < 0.05;
      const bool tells = (d.better || d.worse) && real;
      add(withNumbers(d.low && d.high ? answerText(d) : d.sentence, runs.first(), run.id), tells ? (d.better ? QStringLiteral("done") : QStringLiteral("failed")) : QStringLiteral("cancelled"),
          tells ? (d.better ? Tone::Good : Tone::Bad) : Tone::Neutral);
    }
  }
  words_->addStretch(1);
}

void ComparePage::fillItems(const QList<std::int64_t>& runs) {
  QStringList summary;
  std::vector<GridModel::Row> rows;
  const auto cell = [](const std::string& whole) {
    return GridModel::Cell{text(oneLine(whole, 160)), whole.size() > 160 ? text(whole) : QString()};
  };
  for (qsizetype i = 1; i < runs.size(); ++i) {
    const PairReading& reading = readings_[runs[i]];
    const Disagreement& all = reading.items;
    if (all.items == 0) continue;
    const bool likelihood = all.value == "nll";
    summary << (likelihood ? tr("#%1 against #%2: of %3 items #%2 predicts %4 better, #%1 %5; numbers are the negative log-likelihood a token.")
                           : tr("#%1 against #%2: of %3 items only #%2 has %4 right, only #%1 %5; %6 more have another answer that is as right or wrong."))
                   .arg(runs[i]).arg(runs.first()).arg(all.items).arg(all.onlyA).arg(all.onlyB);
    if (!likelihood) summary.back() = summary.back().arg(all.otherAnswer);
    if (all.differ.size() > reading.shown.size()) summary << tr("Shown are the first %1 of %2.").arg(reading.shown.size()).arg(all.differ.size());
    if (!reading.textProblem.empty()) summary << tr("The items' texts are not shown: %1.").arg(text(reading.textProblem));
    for (const ItemDifference& d : reading.shown) {
      const auto found = reading.texts.find(d.item);
      const auto side = [&](double value, const std::optional<int>& choice) {
        if (likelihood) return GridModel::Cell{QString::number(value, 'g', 4)};
        GridModel::Cell said = cell(choiceText(reading, d.item, choice));
        said.text = (value > 0.5 ? tr("right") : tr("wrong")) + (said.text.isEmpty() ? QString() : QStringLiteral(": ") + said.text);
        said.iconName = value > 0.5 ? QStringLiteral("done") : QStringLiteral("failed");
        said.tone = static_cast<int>(value > 0.5 ? Tone::Good : Tone::Bad);
        return said;
      };
      rows.push_back({{QStringLiteral("#%1").arg(runs[i]), {}, false, true}, {QString::number(d.item)}, side(d.a, d.answerA), side(d.b, d.answerB),
                      likelihood ? GridModel::Cell{missing(), {}, false, true} : cell(choiceText(reading, d.item, d.gold)),
                      found == reading.texts.end() ? GridModel::Cell{missing(), {}, false, true} : cell(found->second.question)});
    }
  }
  itemsSummary_->setText(summary.isEmpty() ? tr("These runs have no items that both scored.") : summary.join(QLatin1Char(' ')));
  items_->set({tr("Run"), tr("Item"), runs.isEmpty() ? tr("Baseline") : tr("Baseline #%1").arg(runs.first()), tr("This run"), tr("Right answer"), tr("Text")}, std::move(rows));
  widen(itemsTable_);
}

}  // namespace ts
