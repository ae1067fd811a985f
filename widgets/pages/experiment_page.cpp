// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/experiment_page.h"

#include <QAction>
#include <QCheckBox>
#include <QDir>
#include <QElapsedTimer>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QMenu>
#include <QMessageBox>
#include <QScrollArea>
#include <QTabBar>
#include <QUndoStack>
#include <QVBoxLayout>

#include "engine/core/model_path.h"
#include "engine/core/resources.h"
#include "widgets/base/buttons.h"
#include "widgets/base/flow_layout.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/settings.h"
#include "widgets/base/text.h"
#include "widgets/charts/plot_export.h"
#include "widgets/forms/family_axes.h"
#include "widgets/pages/measure_form.h"
#include "widgets/pages/plan_preview.h"
#include "widgets/services/model_service.h"
#include "widgets/services/sweep_service.h"

namespace ts {
namespace {

/// For a model that is not open: taken to have whatever strategies ask for. The scheduler checks again with the model.
std::set<std::string> everyNeed() {
  std::set<std::string> needs;
  for (const Strategy& strategy : registry().all()) needs.insert(strategy.descriptor.needs.begin(), strategy.descriptor.needs.end());
  return needs;
}

}  // namespace

/// One edit of the sweep: the draft before and after. Edits in quick succession are one step.
class DraftEdit final : public QUndoCommand {
 public:
  DraftEdit(ExperimentPage& page, SweepDraft before, SweepDraft after)
      : QUndoCommand(ExperimentPage::tr("edit of the sweep")), page_(page), before_(std::move(before)), after_(std::move(after)) {
    age_.start();
  }
  int id() const override { return 1; }
  bool mergeWith(const QUndoCommand* next) override {
    if (age_.elapsed() > 900) return false;
    after_ = static_cast<const DraftEdit*>(next)->after_;
    age_.restart();
    return true;
  }
  void undo() override { page_.apply(before_); }
  void redo() override {
    if (std::exchange(done_, true)) page_.apply(after_);
  }

 private:
  ExperimentPage& page_;
  SweepDraft before_, after_;
  QElapsedTimer age_;
  bool done_ = false;  ///< pushing a command redoes it; the fields show it already
};

ExperimentPage::ExperimentPage(ModelService& models, SweepService& sweeps, RunCatalogue& catalogue, UserSettings& settings, QWidget* parent)
    : QWidget(parent), models_(models), settings_(settings), undo_(new QUndoStack(this)) {
  auto* header = new PageHeader(tr("Experiment"), tr("What do I want to vary?"));
  const auto action = [this](QAction* a, const char* iconName, const QKeySequence& keys) {
    a->setIcon(icon(QLatin1String(iconName)));
    a->setShortcut(keys);
    a->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    actions_ << a;
    addAction(a);
    return a;
  };
  const auto button = [&](QAction* a) {
    QToolButton* b = iconButton(QStringLiteral("undo"), a->text());
    b->setDefaultAction(a);
    b->setIconSize(QSize(18, 18));
    header->addWidget(b);
  };
  button(action(undo_->createUndoAction(this, tr("Undo")), "undo", QKeySequence::Undo));
  button(action(undo_->createRedoAction(this, tr("Redo")), "redo", QKeySequence::Redo));
  auto* openAction = action(new QAction(tr("Open sweep file…"), this), "open", QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_O));
  auto* saveAction = action(new QAction(tr("Save sweep file…"), this), "save", QKeySequence::Save);
  auto* startAction = action(new QAction(tr("Start the sweep"), this), "play", QKeySequence(Qt::CTRL | Qt::Key_R));
  connect(openAction, &QAction::triggered, this, &ExperimentPage::openFile);
  connect(saveAction, &QAction::triggered, this, &ExperimentPage::saveFile);
  auto* examples = new QPushButton(tr("Examples"));
  auto* exampleMenu = new QMenu(examples);
  const QDir folder(text((resourceFolder() / "sweeps").string()));
  for (const QFileInfo& file : folder.entryInfoList({QStringLiteral("*.json")}, QDir::Files, QDir::Name))
    exampleMenu->addAction(file.completeBaseName(), this, [this, path = file.filePath()] { openOrWarn(path); });
  examples->setMenu(exampleMenu);
  examples->setVisible(!exampleMenu->isEmpty());
  header->addWidget(examples);
  auto* open = new QPushButton(icon(QStringLiteral("open")), tr("Open…"));
  auto* save = new QPushButton(icon(QStringLiteral("save")), tr("Save…"));
  connect(open, &QPushButton::clicked, openAction, &QAction::trigger);
  connect(save, &QPushButton::clicked, saveAction, &QAction::trigger);
  header->addWidget(open);
  header->addWidget(save);

  auto* forms = new QWidget;
  auto* column = new QVBoxLayout(forms);
  column->setContentsMargins(0, 0, space::kSmall, 0);
  column->setSpacing(space::kMedium);
  measure_ = new MeasureForm;
  column->addWidget(measure_);
  tabs_ = new QTabBar;
  tabs_->setExpanding(false);
  tabs_->setDrawBase(false);
  tabs_->setAccessibleName(tr("Groups of plans"));
  auto* tabRow = new QHBoxLayout;
  tabRow->addWidget(tabs_);
  QToolButton* add = iconButton(QStringLiteral("plus"), tr("Add a group: its plans come on top of the others'"));
  QToolButton* remove = iconButton(QStringLiteral("minus"), tr("Remove this group"));
  tabRow->addWidget(add);
  tabRow->addWidget(remove);
  tabRow->addWidget(mutedLabel(tr("Plans are every combination of one alternative of each family.")), 1);
  column->addLayout(tabRow);
  for (const Family family : kSweepFamilies) {
    if (registry().ofFamily(family).empty()) continue;
    auto* axes = new FamilyAxes(family);
    axes_[family] = axes;
    column->addWidget(axes);
    connect(axes, &FamilyAxes::changed, this, &ExperimentPage::edited);
  }
  auto* activations = new Card(tr("Activations"));
  f32_ = new QCheckBox(tr("f32 (exact)"));
  q8_ = new QCheckBox(tr("q8 (int8 in blocks)"));
  auto* flow = new FlowLayout(space::kLarge, space::kSmall);
  flow->addWidget(f32_);
  flow->addWidget(q8_);
  activations->body()->addLayout(flow);
  column->addWidget(activations);
  column->addStretch(1);
  auto* scroll = new QScrollArea;
  scroll->setWidget(forms);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->viewport()->setAutoFillBackground(false);
  forms->setAutoFillBackground(false);
  preview_ = new PlanPreview(catalogue);
  preview_->setMinimumWidth(300);
  preview_->setMaximumWidth(460);
  auto* row = new QHBoxLayout;
  row->setSpacing(space::kMedium);
  row->addWidget(scroll, 3);
  row->addWidget(preview_, 2);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(space::kLarge, space::kLarge, space::kLarge, space::kMedium);
  outer->setSpacing(space::kMedium);
  outer->addWidget(header);
  outer->addLayout(row, 1);

  connect(measure_, &MeasureForm::changed, this, &ExperimentPage::edited);
  for (QCheckBox* box : {f32_, q8_}) connect(box, &QCheckBox::toggled, this, &ExperimentPage::edited);
  connect(tabs_, &QTabBar::currentChanged, this, [this](int index) {
    if (!applying_ && index >= 0) showGroup(index);
  });
  connect(add, &QToolButton::clicked, this, [this] {
    SweepDraft next = draft_;
    next.groups.emplace_back();
    setDraft(next);
    tabs_->setCurrentIndex(tabs_->count() - 1);
  });
  connect(remove, &QToolButton::clicked, this, [this] {
    if (draft_.groups.size() < 2) return;
    SweepDraft next = draft_;
    next.groups.erase(next.groups.begin() + group_);
    setDraft(next);
  });
  const auto start = [this] {
    if (preview_->problem().isEmpty()) Q_EMIT startRequested(toJson(draft_));
  };
  connect(preview_, &PlanPreview::startRequested, this, start);
  connect(startAction, &QAction::triggered, this, start);
  connect(&sweeps, &SweepService::started, this, [this] { preview_->setSweeping(true); });
  connect(&sweeps, &SweepService::finished, this, [this] { preview_->setSweeping(false); });
  connect(&sweeps, &SweepService::failed, this, [this] { preview_->setSweeping(false); });
  connect(&models_, &ModelService::currentChanged, this, [this] {
    SweepDraft next = draft_;
    next.model = models_.current()->source;
    setDraft(next);
  });

  QStringList sources;
  for (const std::string& name : embeddedModels()) sources << QStringLiteral("embedded:") + text(name);
  for (const QString& path : settings_.recentModels())
    if (!sources.contains(path)) sources << path;
  measure_->setModels(sources);
  apply(draft_);
}

SweepDraft ExperimentPage::collect() const {
  SweepDraft next = draft_;
  measure_->read(next);
  SweepDraft::Group& group = next.groups[static_cast<std::size_t>(group_)];
  for (const auto& [family, axes] : axes_) group.of(family) = axes->alternatives();
  group.activationsF32 = f32_->isChecked();
  group.activationsQ8 = q8_->isChecked();
  return next;
}

void ExperimentPage::edited() {
  if (applying_) return;
  SweepDraft next = collect();
  if (next == draft_) return;
  SweepDraft before = std::exchange(draft_, next);
  undo_->push(new DraftEdit(*this, std::move(before), std::move(next)));
  refreshPreview();
}

void ExperimentPage::setDraft(const SweepDraft& draft) {
  if (draft == draft_) return;
  SweepDraft before = draft_;
  apply(draft);
  undo_->push(new DraftEdit(*this, std::move(before), draft));
}

void ExperimentPage::apply(const SweepDraft& draft) {
  applying_ = true;
  draft_ = draft;
  measure_->show(draft_);
  fillTabs();
  applying_ = false;
  showGroup(std::min(group_, static_cast<int>(draft_.groups.size()) - 1));
}

void ExperimentPage::fillTabs() {
  while (tabs_->count() > static_cast<int>(draft_.groups.size())) tabs_->removeTab(tabs_->count() - 1);
  while (tabs_->count() < static_cast<int>(draft_.groups.size())) tabs_->addTab(tr("Group %1").arg(tabs_->count() + 1));
  tabs_->setVisible(tabs_->count() > 1);
}

void ExperimentPage::showGroup(int index) {
  applying_ = true;
  group_ = index;
  tabs_->setCurrentIndex(index);
  const SweepDraft::Group& group = draft_.groups[static_cast<std::size_t>(index)];
  for (const auto& [family, axes] : axes_) axes->setAlternatives(group.of(family));
  f32_->setChecked(group.activationsF32);
  q8_->setChecked(group.activationsQ8);
  applying_ = false;
  refreshPreview();
}

void ExperimentPage::refreshPreview() {
  const auto model = models_.current();
  preview_->setDraft(draft_, model && model->source == draft_.model ? model->offers : everyNeed());
}

Result<void> ExperimentPage::open(const QString& path) {
  TS_TRY(const Sweep sweep, readSweep(std::filesystem::path(utf8(path))));
  TS_TRY(SweepDraft draft, draftOf(sweep.text, utf8(path)));
  draft.model = sweep.model;
  draft.data = sweep.task.data.string();
  setDraft(draft);
  return {};
}

Result<void> ExperimentPage::save(const QString& path) { return writeFile(path, QByteArray::fromStdString(toJson(draft_))); }

void ExperimentPage::openFile() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Open sweep"), settings_.lastFolder(), tr("Sweeps (*.json);;All files (*)"));
  if (path.isEmpty()) return;
  settings_.setLastFolder(QFileInfo(path).absolutePath());
  openOrWarn(path);
}

void ExperimentPage::openOrWarn(const QString& path) {
  if (const auto opened = open(path); !opened) QMessageBox::warning(this, tr("Open sweep"), text(opened.error().where + "\n" + opened.error().message));
  else Q_EMIT message(tr("%1 opened").arg(path));
}

void ExperimentPage::saveFile() {
  const QString path = QFileDialog::getSaveFileName(this, tr("Save sweep"), settings_.lastFolder() + QLatin1Char('/') + text(draft_.name) + QStringLiteral(".json"), tr("Sweeps (*.json)"));
  if (path.isEmpty()) return;
  if (const auto saved = save(path); !saved) QMessageBox::warning(this, tr("Save sweep"), text(saved.error().message));
  else Q_EMIT message(tr("Sweep written to %1").arg(path));
}

}  // namespace ts
