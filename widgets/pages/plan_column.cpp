// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/plan_column.h"

#include <QClipboard>
#include <QFontDatabase>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QRegularExpression>
#include <QScrollArea>
#include <QSplitter>
#include <algorithm>

#include "widgets/base/buttons.h"
#include "widgets/base/figures.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/forms/plan_form.h"
#include "widgets/runs/metric_text.h"

namespace ts {
namespace {
enum Figure { Speed, FirstToken, GapP90, Tokens, Memory };

/// A word for a POSIX shell.
QString quoted(const QString& word) {
  static const QRegularExpression plain(QStringLiteral("^[A-Za-z0-9_@%+=:,./-]+$"));
  if (plain.match(word).hasMatch()) return word;
  return QLatin1Char('\'') + QString(word).replace(QLatin1Char('\''), QStringLiteral("'\\''")) + QLatin1Char('\'');
}
}

PlanColumn::PlanColumn(const QString& name, QWidget* parent) : QWidget(parent) {
  auto* answer = new Card(name);
  stage_ = mutedLabel({});
  stage_->setWordWrap(false);
  answer->addHeaderWidget(stage_);
  figures_ = new Figures({tr("tokens/s"), tr("first token"), tr("gap p90"), tr("tokens"), tr("memory")});
  answer->body()->addWidget(figures_);
  output_ = new QPlainTextEdit;
  output_->setReadOnly(true);
  output_->setFrameShape(QFrame::NoFrame);
  output_->setPlaceholderText(tr("The model's continuation appears here, token by token."));
  output_->setAccessibleName(tr("Output of %1").arg(name));
  QFont reading = output_->font();
  reading.setPointSizeF(reading.pointSizeF() * 1.08);
  output_->setFont(reading);
  answer->body()->addWidget(output_, 1);
  engaged_ = mutedLabel({});
  engaged_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  engaged_->hide();
  answer->body()->addWidget(engaged_);
  auto* commandRow = new QHBoxLayout;
  command_ = new QLabel;
  QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
  fixed.setPointSizeF(fixed.pointSizeF() * 0.9);
  command_->setFont(fixed);
  command_->setWordWrap(true);
  command_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  command_->setAccessibleName(tr("Command line"));
  commandRow->addWidget(command_, 1);
  QToolButton* copy = iconButton(QStringLiteral("copy"), tr("Copy the command line"));
  connect(copy, &QToolButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(command_->text()); });
  commandRow->addWidget(copy, 0, Qt::AlignTop);
  answer->body()->addLayout(commandRow);

  form_ = new PlanForm;
  auto* scroll = new QScrollArea;
  scroll->setWidget(form_);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->viewport()->setAutoFillBackground(false);
  form_->setAutoFillBackground(false);
  form_->setContentsMargins(0, 0, space::kSmall, 0);
  auto* settings = new Card(tr("Strategies of %1").arg(name));
  settings->body()->addWidget(scroll, 1);
  settings->setMinimumWidth(270);

  split_ = new QSplitter;
  split_->setHandleWidth(space::kMedium);
  split_->setChildrenCollapsible(false);
  split_->addWidget(settings);
  split_->addWidget(answer);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(split_);
  connect(form_, &PlanForm::changed, this, &PlanColumn::showCommand);
  setSideBySide(false);
  showCommand();
}

void PlanColumn::setSideBySide(bool narrow) {
  split_->setOrientation(narrow ? Qt::Vertical : Qt::Horizontal);
  QWidget* first = split_->widget(0);
  const bool formFirst = first->isAncestorOf(form_);
  if (narrow == formFirst) split_->insertWidget(0, split_->widget(1));
  split_->setSizes(narrow ? QList<int>{420, 330} : QList<int>{360, 800});
}

void PlanColumn::setAsked(Asked asked) {
  asked_ = std::move(asked);
  showCommand();
}

void PlanColumn::showCommand() {
  const auto plan = form_->plan();
  const QString flags = plan ? text(commandLine(*plan)) : QString();
  QStringList words{QStringLiteral("tradespace-cli generate"), quoted(asked_.model), QStringLiteral("--prompt"), quoted(asked_.prompt)};
  if (asked_.chat) words << QStringLiteral("--chat");
  words << QStringLiteral("--tokens %1 --seed %2").arg(asked_.tokens).arg(asked_.seed) << flags;
  command_->setText(plan ? words.join(QLatin1Char(' ')).trimmed() : tr("This plan cannot run: %1").arg(form_->problem()));
}

void PlanColumn::begin(const QString& prompt) {
  figures_->clear();
  output_->clear();
  QTextCharFormat muted;
  muted.setForeground(mutedText(palette()));
  QTextCursor(output_->document()).insertText(prompt, muted);
  promptLength_ = static_cast<int>(prompt.size());
  engaged_->hide();
  setStage(tr("Waiting"));
}

void PlanColumn::setStage(const QString& what) { stage_->setText(what); }

void PlanColumn::append(const QString& words, int tokens, double tokensPerSecond) {
  setStage(tr("Generating"));
  QTextCursor end(output_->document());
  end.movePosition(QTextCursor::End);
  end.insertText(words, QTextCharFormat());
  output_->setTextCursor(end);
  figures_->set(Tokens, QString::number(tokens));
  if (tokensPerSecond > 0) figures_->set(Speed, numberText(tokensPerSecond, 3), tr("Measured so far"));
}

void PlanColumn::finish(const Generation& g) {
  const QString reason = g.stopReason == "length" ? tr("Done: length reached") : g.stopReason == "stop-token" ? tr("Done: the model ended")
                         : g.stopReason == "context" ? tr("Done: context full") : tr("Stopped");
  setStage(reason);
  if (g.ids.empty()) return;
  if (g.decodeTokensPerSecond > 0) figures_->set(Speed, numberText(g.decodeTokensPerSecond, 3), tr("Tokens after the first, by the time after the first"));
  figures_->set(FirstToken, tr("%1 ms").arg(numberText(g.ttftMs, 3)), tr("From the prompt to the first token; %n prompt token(s)", nullptr, static_cast<int>(g.promptIds.size())));
  figures_->set(Tokens, QString::number(g.ids.size()));
  std::vector<double> gaps = g.gapsMs;
  if (!gaps.empty()) {
    std::sort(gaps.begin(), gaps.end());
    figures_->set(GapP90, tr("%1 ms").arg(numberText(gaps[static_cast<std::size_t>(0.9 * static_cast<double>(gaps.size() - 1))], 3)), tr("Nine of ten gaps between tokens are shorter"));
  }
  const auto bytes = [](std::uint64_t n) { return bytesText(static_cast<double>(n)); };
  figures_->set(Memory, bytes(g.memory.total()),
                tr("Weights %1\nKey/value rows %2\nScratch %3\nDraft %4").arg(bytes(g.memory.weights), bytes(g.memory.kv), bytes(g.memory.scratch), bytes(g.memory.draft)));
  QStringList engaged;
  for (const auto& [name, value] : g.engaged) engaged << QStringLiteral("%1 = %2").arg(text(name).replace(QLatin1Char('_'), QLatin1Char(' ')), numberText(value));
  engaged_->setText(tr("Engaged: %1").arg(engaged.join(QStringLiteral("  ·  "))));
  engaged_->setVisible(!engaged.isEmpty());
}

void PlanColumn::fail(const QString& message) {
  setStage(tr("Refused or failed"));
  output_->setPlainText(message);
  promptLength_ = 0;
}

QString PlanColumn::output() const { return output_->toPlainText().mid(promptLength_); }
QString PlanColumn::command() const { return command_->text(); }
QString PlanColumn::figure(int index) const { return figures_->value(index); }

}  // namespace ts
