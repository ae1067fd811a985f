// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/runs/run_detail.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QScrollArea>
#include <QTimer>
#include <QVBoxLayout>
#include <map>

#include "widgets/base/buttons.h"
#include "widgets/base/facts.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/selection.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/runs/catalogue.h"
#include "widgets/runs/metric_text.h"

namespace ts {
namespace {

QWidget* section(QVBoxLayout* column, const QString& title, QWidget* content) {
  auto* box = new QWidget;
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(space::kTight);
  layout->addWidget(headingLabel(title));
  layout->addWidget(content);
  column->addWidget(box);
  return box;
}

}  // namespace

RunDetail::RunDetail(RunCatalogue& catalogue, RunSelection& selection, QWidget* parent)
    : QWidget(parent), catalogue_(catalogue), selection_(selection) {
  auto* page = new QWidget;
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(space::kMedium, space::kMedium, space::kMedium, space::kMedium);
  column->setSpacing(space::kMedium);

  title_ = headingLabel({});
  title_->setWordWrap(true);
  column->addWidget(title_);
  auto* stateRow = new QHBoxLayout;
  stateIcon_ = new QLabel;
  state_ = new QLabel;
  stateRow->addWidget(stateIcon_);
  stateRow->addWidget(state_, 1);
  column->addLayout(stateRow);
  reason_ = new QLabel;
  reason_->setWordWrap(true);
  reason_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  column->addWidget(reason_);

  section(column, tr("Metrics"), metrics_ = new FactList);
  section(column, tr("Settings"), settings_ = new FactList);
  engagedBox_ = section(column, tr("What really engaged"), engaged_ = new FactList);

  auto* commandBox = new QWidget;
  auto* commandRow = new QHBoxLayout(commandBox);
  commandRow->setContentsMargins(0, 0, 0, 0);
  command_ = monospaceLabel({});
  command_->setWordWrap(true);
  command_->setAccessibleName(tr("Command line"));
  commandRow->addWidget(command_, 1);
  QToolButton* copy = iconButton(QStringLiteral("copy"), tr("Copy the command line"));
  connect(copy, &QToolButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(command_->text()); });
  commandRow->addWidget(copy, 0, Qt::AlignTop);
  section(column, tr("Command line"), commandBox);

  note_ = new QPlainTextEdit;
  note_->setPlaceholderText(tr("What did you learn from this run?"));
  note_->setMaximumHeight(70);
  note_->setTabChangesFocus(true);
  note_->setAccessibleName(tr("Note"));
  auto* pause = new QTimer(this);
  pause->setSingleShot(true);
  pause->setInterval(800);
  connect(note_, &QPlainTextEdit::textChanged, pause, qOverload<>(&QTimer::start));
  connect(pause, &QTimer::timeout, this, &RunDetail::saveNote);
  section(column, tr("Note"), note_);
  section(column, tr("Where it comes from"), origin_ = new FactList);
  column->addStretch(1);

  auto* scroll = new QScrollArea;
  scroll->setWidget(page);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  stack_ = new ContentOrEmpty(scroll, new EmptyState(QStringLiteral("target"), tr("No run selected"),
                                                     tr("Click a row of the run table or a point of the front.")));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(stack_);

  connect(&selection_, &RunSelection::changed, this, &RunDetail::refresh);
  connect(&catalogue_, &RunCatalogue::changed, this, &RunDetail::refresh);
  refresh();
}

RunDetail::~RunDetail() { saveNote(); }

void RunDetail::refresh() {
  const RunRecord* run = catalogue_.find(selection_.current());
  if (shown_ && (!run || run->id != shown_)) saveNote();
  stack_->showContent(run);
  if (run) show(*run);
  else shown_ = 0;
}

void RunDetail::show(const RunRecord& run) {
  title_->setText(tr("Run %1: %2").arg(run.id).arg(planTitle(run)));
  const Tone tone = run.state == RunState::Done ? Tone::Good : run.state == RunState::Running ? Tone::Busy
                    : run.state == RunState::Failed ? Tone::Bad : run.state == RunState::Refused ? Tone::Warning : Tone::Neutral;
  stateIcon_->setPixmap(icon(stateIcon(run.state), toneColour(tone, palette())).pixmap(QSize(16, 16), devicePixelRatioF()));
  state_->setText(run.noisy ? tr("%1 on a noisy machine: its timing is not to be trusted").arg(stateText(run.state)) : stateText(run.state));
  state_->setWordWrap(true);
  reason_->setText(text(run.message));
  reason_->setVisible(!run.message.empty());

  QList<FactList::Fact> metrics, settings, engaged, origin;
  for (const auto& [name, value] : std::map<std::string, MetricValue, MetricOrder>(run.metrics.begin(), run.metrics.end())) {
    const QString shown = metricTextWithUnit(name, value);
    QString help = metricHelp(name);
    if (value.n && *value.n > 1) help += (help.isEmpty() ? QString() : QStringLiteral("\n")) + tr("over %n observation(s)", nullptr, static_cast<int>(*value.n));
    metrics << FactList::Fact{metricTitle(name), shown, help};
  }
  if (metrics.isEmpty()) metrics << FactList::Fact{tr("none yet"), missing()};
  for (const auto& [name, value] : run.settings)
    settings << FactList::Fact{settingTitle(name), value.empty() ? missing() : text(value)};
  if (settings.isEmpty()) settings << FactList::Fact{tr("plan"), text(run.plan)};
  for (const auto& [name, value] : run.engaged) engaged << FactList::Fact{settingTitle(name), numberText(value)};
  origin << FactList::Fact{tr("Model"), text(run.model.name), text(run.model.path)} << FactList::Fact{tr("Task"), text(run.task)}
         << FactList::Fact{tr("Seed"), QString::number(run.seed)} << FactList::Fact{tr("Machine"), text(run.host.cpu)}
         << FactList::Fact{tr("Engine"), text(run.engineVersion)} << FactList::Fact{tr("Started"), text(run.started)}
         << FactList::Fact{tr("Finished"), text(run.finished)};
  metrics_->setFacts(metrics);
  settings_->setFacts(settings);
  engaged_->setFacts(engaged);
  engagedBox_->setVisible(!engaged.isEmpty());
  origin_->setFacts(origin);
  command_->setText(text(run.commandLine));
  if (shown_ != run.id || (!note_->hasFocus() && savedNote_ != text(run.note))) {
    shown_ = run.id;
    savedNote_ = text(run.note);
    const QSignalBlocker quiet(note_);
    note_->setPlainText(savedNote_);
  }
}

void RunDetail::saveNote() {
  const QString note = note_->toPlainText();
  if (!shown_ || note == savedNote_) return;
  savedNote_ = note;
  Q_EMIT catalogue_.noteEdited(shown_, note);
}

}  // namespace ts
