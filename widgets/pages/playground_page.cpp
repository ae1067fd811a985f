// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/playground_page.h"

#include <QAction>
#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QSpinBox>
#include <QVBoxLayout>

#include "widgets/base/buttons.h"
#include "widgets/base/flow_layout.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"
#include "widgets/forms/plan_form.h"
#include "widgets/pages/plan_column.h"
#include "widgets/services/generation_service.h"
#include "widgets/services/model_service.h"

namespace ts {

PlaygroundPage::PlaygroundPage(ModelService& models, GenerationService& generation, QWidget* parent)
    : QWidget(parent), models_(models), generation_(generation) {
  auto* header = new PageHeader(tr("Playground"), tr("What does this plan feel like?"));
  model_ = mutedLabel({});
  model_->setWordWrap(false);
  two_ = new QCheckBox(tr("Two plans side by side"));
  header->addWidget(model_);
  header->addWidget(two_);

  auto* ask = new Card;
  prompt_ = new QPlainTextEdit(tr("The history of the city began"));
  prompt_->setPlaceholderText(tr("Type a prompt; Ctrl+Enter generates"));
  prompt_->setTabChangesFocus(true);
  prompt_->setAccessibleName(tr("Prompt"));
  prompt_->setFixedHeight(prompt_->fontMetrics().lineSpacing() * 3 + 16);
  tokens_ = new QSpinBox;
  tokens_->setRange(1, 100000);
  tokens_->setValue(128);
  seed_ = new QSpinBox;
  seed_->setRange(0, 1000000);
  seed_->setValue(1);
  chat_ = new QCheckBox(tr("As a chat message"));
  chat_->setToolTip(tr("Wrap the prompt with the model's chat template"));
  go_ = new PrimaryButton(QStringLiteral("play"), tr("Generate"));
  auto* row = new QHBoxLayout;
  row->setSpacing(space::kLarge);
  row->addWidget(labelled(tr("Tokens"), tokens_));
  row->addWidget(labelled(tr("Seed"), seed_));
  row->addWidget(chat_);
  row->addStretch(1);
  row->addWidget(go_);
  ask->body()->addWidget(prompt_);
  ask->body()->addLayout(row);
  ask->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);

  auto* columns = new QHBoxLayout;
  columns->setSpacing(space::kMedium);
  columns_[0] = new PlanColumn(tr("Plan A"));
  columns_[1] = new PlanColumn(tr("Plan B"));
  for (PlanColumn* column : columns_) columns->addWidget(column, 1);
  columns_[1]->hide();
  auto* content = new QWidget;
  auto* contentColumn = new QVBoxLayout(content);
  contentColumn->setContentsMargins(0, 0, 0, 0);
  contentColumn->setSpacing(space::kMedium);
  contentColumn->addWidget(ask);
  contentColumn->addLayout(columns, 1);
  auto* empty = new EmptyState(QStringLiteral("playground"), tr("No model is open"), tr("Open one on the Models page, or start with the small model that comes with the program."));
  connect(empty->addButton(QStringLiteral("models"), tr("Open ts-16m"), true), &QAbstractButton::clicked, this, [this] { models_.open(QStringLiteral("embedded:ts-16m")); });
  connect(empty->addButton(QStringLiteral("open"), tr("Choose a model")), &QAbstractButton::clicked, this, &PlaygroundPage::modelsRequested);
  stack_ = new ContentOrEmpty(content, empty);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(space::kLarge, space::kLarge, space::kLarge, space::kMedium);
  column->setSpacing(space::kMedium);
  column->addWidget(header);
  column->addWidget(stack_, 1);

  const auto action = [this](const char* iconName, const QString& text, const QKeySequence& keys, auto slot) {
    auto* a = new QAction(icon(QLatin1String(iconName)), text, this);
    a->setShortcut(keys);
    a->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(a, &QAction::triggered, this, slot);
    actions_ << a;
    addAction(a);
  };
  action("play", tr("Generate"), QKeySequence(Qt::CTRL | Qt::Key_Return), [this] { generate(); });
  action("stop", tr("Stop generating"), QKeySequence(Qt::Key_Escape), [this] { generation_.stop(); });
  action("compare", tr("Two plans side by side"), QKeySequence(Qt::CTRL | Qt::Key_D), [this] { two_->toggle(); });

  connect(go_, &QPushButton::clicked, this, [this] { generation_.busy() ? generation_.stop() : generate(); });
  connect(two_, &QCheckBox::toggled, this, [this](bool two) {
    columns_[1]->setVisible(two);
    for (PlanColumn* c : columns_) c->setSideBySide(two);
  });
  connect(prompt_, &QPlainTextEdit::textChanged, this, &PlaygroundPage::showAsked);
  for (QSpinBox* box : {tokens_, seed_}) connect(box, &QSpinBox::valueChanged, this, &PlaygroundPage::showAsked);
  connect(chat_, &QCheckBox::toggled, this, &PlaygroundPage::showAsked);
  connect(&models_, &ModelService::currentChanged, this, &PlaygroundPage::modelChanged);
  connect(&generation_, &GenerationService::busyChanged, this, &PlaygroundPage::busyChanged);
  connect(&generation_, &GenerationService::staged, this, [this](int slot, const QString& what) { columns_[slot]->setStage(what); });
  connect(&generation_, &GenerationService::streamed, this,
          [this](int slot, const QString& words, int tokens, double speed) { columns_[slot]->append(words, tokens, speed); });
  connect(&generation_, &GenerationService::finished, this, [this](int slot, const Generation& g) { columns_[slot]->finish(g); });
  connect(&generation_, &GenerationService::failed, this, [this](int slot, const QString& why) { columns_[slot]->fail(why); });
  modelChanged();
}

void PlaygroundPage::setPrompt(const QString& prompt) { prompt_->setPlainText(prompt); }
void PlaygroundPage::setTokens(int tokens) { tokens_->setValue(tokens); }
void PlaygroundPage::setTwoPlans(bool two) { two_->setChecked(two); }

void PlaygroundPage::modelChanged() {
  const auto model = models_.current();
  stack_->showContent(model != nullptr);
  two_->setVisible(model != nullptr);
  if (!model) return;
  model_->setText(text(model->summary.config.name.empty() ? model->source : model->summary.config.name));
  chat_->setVisible(!model->summary.chatTemplate.empty());
  for (PlanColumn* c : columns_) {
    c->form().setModelOffers(model->offers);
  }
  showAsked();
}

void PlaygroundPage::showAsked() {
  if (!models_.current()) return;
  for (PlanColumn* c : columns_)
    c->setAsked({text(models_.current()->source), prompt_->toPlainText(), chat_->isVisibleTo(this) && chat_->isChecked(), tokens_->value(), seed_->value()});
}

void PlaygroundPage::generate() {
  if (generation_.busy() || !models_.current()) return;
  for (int slot = 0; slot < (two_->isChecked() ? 2 : 1); ++slot) {
    const auto plan = columns_[slot]->form().plan();
    columns_[slot]->begin(prompt_->toPlainText());
    if (!plan) {
      columns_[slot]->fail(text(plan.error().message));
      continue;
    }
    generation_.start({.slot = slot, .model = models_.current(), .plan = *plan, .prompt = utf8(prompt_->toPlainText()),
                       .chat = chat_->isVisibleTo(this) && chat_->isChecked(), .tokens = tokens_->value(), .seed = static_cast<std::uint64_t>(seed_->value())});
  }
}

void PlaygroundPage::busyChanged(bool busy) {
  go_->setText(busy ? tr("Stop") : tr("Generate"));
  go_->setIconName(busy ? QStringLiteral("stop") : QStringLiteral("play"));
  go_->updateGeometry();
}

}  // namespace ts
