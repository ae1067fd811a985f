// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/runs_page.h"

#include <QAction>
#include <QClipboard>
#include <QComboBox>
#include <QEvent>
#include <QFileDialog>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLineEdit>
#include <QMenu>
#include <QMessageBox>
#include <sstream>

#include "experiments/store/csv.h"
#include "widgets/base/buttons.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/selection.h"
#include "widgets/base/settings.h"
#include "widgets/base/table.h"
#include "widgets/base/text.h"
#include "widgets/charts/plot_export.h"
#include "widgets/runs/filter_model.h"
#include "widgets/runs/metric_text.h"
#include "widgets/runs/table_model.h"

namespace ts {

RunsPage::RunsPage(RunCatalogue& catalogue, RunSelection& selection, UserSettings& settings, QWidget* parent)
    : QWidget(parent), catalogue_(catalogue), selection_(selection), settings_(settings) {
  model_ = new RunTableModel(catalogue_, this);
  filter_ = new RunFilterModel(this);
  filter_->setSourceModel(model_);
  if (const QStringList columns = settings_.runColumns(); !columns.isEmpty()) model_->setColumns(columns);
  makeActions();

  auto* header = new PageHeader(tr("Runs"), tr("What happened? Every plan that was measured, refused or failed."));
  search_ = new QLineEdit;
  search_->setPlaceholderText(tr("Filter: words, -not"));
  search_->setClearButtonEnabled(true);
  search_->addAction(icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
  search_->setMinimumWidth(190);
  search_->setAccessibleName(tr("Filter runs"));
  states_ = new QComboBox;
  states_->setAccessibleName(tr("State"));
  states_->addItem(tr("All states"), -1);
  for (int s = 0; s <= static_cast<int>(RunState::Interrupted); ++s) {
    const auto state = static_cast<RunState>(s);
    states_->addItem(icon(stateIcon(state)), stateText(state), s);
  }
  auto* columns = iconButton(QStringLiteral("columns"), tr("Choose columns"));
  columnMenu_ = new QMenu(this);
  columns->setMenu(columnMenu_);
  columns->setPopupMode(QToolButton::InstantPopup);
  auto* exporting = iconButton(QStringLiteral("export"), tr("Export as CSV"));
  connect(exporting, &QToolButton::clicked, export_, &QAction::trigger);
  header->addWidget(search_);
  header->addWidget(states_);
  header->addWidget(columns);
  header->addWidget(exporting);

  table_ = new Table(filter_);
  table_->setSortingEnabled(true);
  table_->sortByColumn(0, Qt::DescendingOrder);
  table_->setContextMenuPolicy(Qt::CustomContextMenu);
  table_->setAccessibleName(tr("Runs"));
  table_->horizontalHeader()->setSectionsMovable(true);
  table_->horizontalHeader()->setMaximumSectionSize(340);
  table_->horizontalHeader()->setStretchLastSection(true);
  table_->addActions(actions_);

  auto* card = new Card;
  card->layout()->setContentsMargins(1, 1, 1, 1);
  card->body()->addWidget(table_);
  auto* content = new QWidget;
  auto* contentColumn = new QVBoxLayout(content);
  contentColumn->setContentsMargins(0, 0, 0, 0);
  contentColumn->setSpacing(space::kSmall);
  contentColumn->addWidget(card, 1);
  count_ = mutedLabel({});
  auto* foot = new QHBoxLayout;
  foot->addWidget(count_, 1);
  auto* compare = new QPushButton(icon(QStringLiteral("compare")), tr("Compare"));
  compare->setEnabled(false);
  connect(compare, &QPushButton::clicked, compare_, &QAction::trigger);
  connect(compare_, &QAction::changed, compare, [this, compare] { compare->setEnabled(compare_->isEnabled()); });
  foot->addWidget(compare);
  auto* front = new QPushButton(icon(QStringLiteral("front")), tr("Show on the front"));
  connect(front, &QPushButton::clicked, this, &RunsPage::frontRequested);
  foot->addWidget(front);
  contentColumn->addLayout(foot);

  auto* empty = new EmptyState(QStringLiteral("runs"), tr("Nothing has been measured yet"),
                               tr("Describe a sweep on the Experiment page and start it: its runs appear here one by one, while they are measured."));
  connect(empty->addButton(QStringLiteral("experiment"), tr("Plan an experiment"), true), &QAbstractButton::clicked, this,
          &RunsPage::experimentRequested);
  stack_ = new ContentOrEmpty(content, empty);

  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(space::kLarge, space::kLarge, space::kLarge, space::kMedium);
  column->setSpacing(space::kMedium);
  column->addWidget(header);
  column->addWidget(stack_, 1);

  connect(search_, &QLineEdit::textChanged, this, [this](const QString& words) { filter_->setText(words), refresh(); });
  connect(states_, &QComboBox::currentIndexChanged, this, [this] {
    const int s = states_->currentData().toInt();
    filter_->setState(s < 0 ? std::nullopt : std::optional(static_cast<RunState>(s)));
    refresh();
  });
  connect(columnMenu_, &QMenu::aboutToShow, this, &RunsPage::fillColumnMenu);
  connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this, &RunsPage::tableSelectionChanged);
  connect(table_, &QTableView::customContextMenuRequested, this, &RunsPage::contextMenu);
  connect(&selection_, &RunSelection::changed, this, &RunsPage::showSelection);
  connect(&catalogue_, &RunCatalogue::changed, this, &RunsPage::refresh);
  connect(model_, &QAbstractItemModel::modelReset, this, [this] { table_->resizeColumnsToContents(), showSelection(); });
  refresh();
  table_->resizeColumnsToContents();
}

void RunsPage::makeActions() {
  const auto add = [this](QAction*& action, const char* iconName, const QString& text, const QKeySequence& keys, auto slot) {
    action = new QAction(icon(QLatin1String(iconName)), text, this);
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(action, &QAction::triggered, this, slot);
    actions_ << action;
    addAction(action);
  };
  add(copy_, "copy", tr("Copy selected runs"), QKeySequence::Copy, [this] { QGuiApplication::clipboard()->setText(selectedAsText()); });
  add(find_, "search", tr("Filter runs"), QKeySequence::Find, [this] { search_->setFocus(), search_->selectAll(); });
  add(compare_, "compare", tr("Compare selected runs"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C), [this] { Q_EMIT compareRequested(); });
  add(baseline_, "baseline", tr("Use as baseline"), QKeySequence(Qt::CTRL | Qt::Key_B), [this] { selection_.setBaseline(selection_.current()); });
  add(archive_, "archive", tr("Archive selected runs"), QKeySequence::Delete, [this] {
    const auto runs = selection_.selected();
    selection_.select({});
    for (const auto run : runs) Q_EMIT catalogue_.archiveRequested(run, true);
    Q_EMIT message(tr("%n run(s) archived; they stay in the store", nullptr, static_cast<int>(runs.size())));
  });
  add(export_, "export", tr("Export shown runs as CSV…"), QKeySequence(Qt::CTRL | Qt::Key_E), [this] {
    const QString path = QFileDialog::getSaveFileName(this, tr("Export runs"), settings_.lastFolder() + QStringLiteral("/runs.csv"), tr("CSV files (*.csv)"));
    if (!path.isEmpty()) exportCsv(path);
  });
  compare_->setEnabled(false);
}

void RunsPage::refresh() {
  const auto total = catalogue_.runs().size();
  stack_->showContent(total > 0);
  const int shown = filter_->rowCount();
  QString words = shown == static_cast<int>(total) ? tr("%n run(s)", nullptr, shown) : tr("%1 of %2 runs shown").arg(shown).arg(total);
  int bad = 0, waiting = 0;
  for (const RunRecord& run : catalogue_.runs()) {
    bad += run.state == RunState::Failed || run.state == RunState::Refused;
    waiting += run.state == RunState::Queued || run.state == RunState::Running;
  }
  if (waiting) words += tr(" · %n still to come", nullptr, waiting);
  if (bad) words += tr(" · %n failed or refused", nullptr, bad);
  if (const auto n = selection_.selected().size(); n > 1) words += tr(" · %n selected", nullptr, static_cast<int>(n));
  count_->setText(words);
}

void RunsPage::fillColumnMenu() {
  columnMenu_->clear();
  columnMenu_->addAction(icon(QStringLiteral("restore")), tr("Restore default columns"), this, [this] {
    settings_.setRunColumns({});
    model_->setColumns({});
  });
  columnMenu_->addSeparator();
  for (const QString& key : model_->availableColumns()) {
    QAction* action = columnMenu_->addAction(RunTableModel::columnTitle(key));
    action->setCheckable(true);
    action->setChecked(model_->columns().contains(key));
    connect(action, &QAction::toggled, this, [this, key](bool on) {
      QStringList columns;
      for (const QString& k : model_->availableColumns())
        if (k == key ? on : model_->columns().contains(k)) columns << k;
      settings_.setRunColumns(columns);
      model_->setColumns(columns);
    });
  }
}

void RunsPage::tableSelectionChanged() {
  if (syncing_) return;
  QList<std::int64_t> runs;
  for (const QModelIndex& index : table_->selectionModel()->selectedRows()) runs << index.data(RunTableModel::RunIdRole).toLongLong();
  const auto current = table_->currentIndex().data(RunTableModel::RunIdRole).toLongLong();
  if (runs.removeOne(current)) runs << current;
  syncing_ = true;
  selection_.select(runs);
  syncing_ = false;
  compare_->setEnabled(runs.size() > 1);
  refresh();
}

void RunsPage::showSelection() {
  compare_->setEnabled(selection_.selected().size() > 1);
  if (syncing_) return;
  syncing_ = true;
  QItemSelection rows;
  QModelIndex last;
  for (const auto run : selection_.selected()) {
    const QModelIndex index = filter_->mapFromSource(model_->index(model_->rowOf(run), 0));
    if (!index.isValid()) continue;
    rows.select(index, index);
    last = index;
  }
  table_->selectionModel()->select(rows, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  if (last.isValid()) {
    table_->selectionModel()->setCurrentIndex(last, QItemSelectionModel::NoUpdate);
    table_->scrollTo(last);
  }
  syncing_ = false;
  refresh();
}

void RunsPage::contextMenu(const QPoint& at) {
  QMenu menu(this);
  menu.addActions({copy_});
  menu.addAction(icon(QStringLiteral("terminal")), tr("Copy command line"), this, [this] {
    if (const RunRecord* run = catalogue_.find(selection_.current())) QGuiApplication::clipboard()->setText(text(run->commandLine));
  });
  menu.addSeparator();
  menu.addActions({compare_, baseline_});
  menu.addSeparator();
  menu.addAction(archive_);
  menu.exec(table_->viewport()->mapToGlobal(at));
}

QString RunsPage::selectedAsText() const { return table_->selectionAsText(); }

bool RunsPage::exportCsv(const QString& path) {
  std::vector<RunRecord> shown;
  for (int row = 0; row < filter_->rowCount(); ++row)
    if (const RunRecord* run = catalogue_.find(filter_->index(row, 0).data(RunTableModel::RunIdRole).toLongLong())) shown.push_back(*run);
  std::ostringstream out;
  writeCsv(out, shown);
  const auto written = writeFile(path, QByteArray::fromStdString(out.str()));
  if (!written) QMessageBox::warning(this, tr("Export"), text(written.error().message));
  else Q_EMIT message(tr("%n run(s) written to %1", nullptr, static_cast<int>(shown.size())).arg(path));
  return written.has_value();
}

void RunsPage::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange && model_) model_->coloursChanged();
  QWidget::changeEvent(event);
}

}  // namespace ts
