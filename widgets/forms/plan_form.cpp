// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/plan_form.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>
#include <algorithm>

#include "widgets/base/flow_layout.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/forms/family_text.h"
#include "widgets/forms/strategy_form.h"

namespace ts {
namespace {

constexpr Family kFamilies[] = {Family::Weights, Family::KeyValue, Family::Decoding, Family::Sampling, Family::Search};
bool takesOne(Family family) { return family == Family::Decoding || family == Family::Search; }

}  // namespace

PlanForm::PlanForm(QWidget* parent) : QWidget(parent) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(space::kTight);
  verdict_ = new QLabel;
  verdict_->setWordWrap(true);
  verdict_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  column->addWidget(verdict_);
  for (const Family family : kFamilies) {
    const auto strategies = registry().ofFamily(family);
    if (strategies.empty()) continue;
    auto* head = new QHBoxLayout;
    QLabel* title = headingLabel(familyTitle(family));
    title->setToolTip(familyHelp(family));
    head->addWidget(title);
    QLabel* chain = mutedLabel({});
    chain->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    head->addWidget(chain, 1);
    chains_[family] = chain;
    if (column->count() > 1) column->addSpacing(space::kSmall);
    column->addLayout(head);
    for (const Strategy* strategy : strategies) {
      auto* added = new StrategyForm(*strategy, ParameterField::Kind::Value);
      forms_[family].push_back(added);
      column->addWidget(added);
      connect(added, &StrategyForm::toggled, this, [this, family, added](bool on) {
        auto& order = order_[family];
        std::erase(order, added);
        if (on) {
          if (takesOne(family))
            for (StrategyForm* other : std::vector(order)) other->setOn(false);
          order.push_back(added);
        }
      });
      connect(added, &StrategyForm::changed, this, &PlanForm::refresh);
    }
  }
  activations_ = new QComboBox;
  activations_->addItem(tr("f32 (exact)"), static_cast<int>(Activations::F32));
  activations_->addItem(tr("q8 (int8 blocks)"), static_cast<int>(Activations::Q8));
  connect(activations_, &QComboBox::currentIndexChanged, this, &PlanForm::refresh);
  column->addSpacing(space::kSmall);
  column->addWidget(labelled(tr("Activations"), activations_), 0, Qt::AlignLeft);
  column->addStretch(1);
  refresh();
}

StrategyForm* PlanForm::form(Family family, const std::string& id) const {
  const auto it = forms_.find(family);
  if (it == forms_.end()) return nullptr;
  for (StrategyForm* f : it->second)
    if (f->descriptor().id == id) return f;
  return nullptr;
}

Result<Plan> PlanForm::plan() const {
  Plan plan;
  for (const auto& [family, order] : order_)
    for (const StrategyForm* f : order) {
      TS_TRY(StrategySpec spec, parseStrategy(f->specText(), familyTitle(family).toStdString()));
      TS_CHECK(registry().resolve(family, spec).map([](const Settings&) {}));
      if (family == Family::Weights) plan.weights.push_back(std::move(spec));
      else if (family == Family::KeyValue) plan.kv.push_back(std::move(spec));
      else if (family == Family::Sampling) plan.sample.push_back(std::move(spec));
      else if (family == Family::Decoding) plan.decode = std::move(spec);
      else plan.search = std::move(spec);
    }
  plan.activations = static_cast<Activations>(activations_->currentData().toInt());
  if (!offers_.empty()) TS_CHECK(check(plan, offers_));
  return plan;
}

void PlanForm::setPlan(const Plan& plan) {
  for (auto& [family, forms] : forms_)
    for (StrategyForm* f : forms) f->setOn(false);
  const auto put = [this](Family family, const StrategySpec& spec) {
    if (StrategyForm* f = form(family, spec.id)) (void)f->setSpecText(toText(spec));
  };
  for (const auto& spec : plan.weights) put(Family::Weights, spec);
  for (const auto& spec : plan.kv) put(Family::KeyValue, spec);
  for (const auto& spec : plan.sample) put(Family::Sampling, spec);
  if (plan.decode) put(Family::Decoding, *plan.decode);
  if (plan.search) put(Family::Search, *plan.search);
  activations_->setCurrentIndex(activations_->findData(static_cast<int>(plan.activations)));
  refresh();
}

void PlanForm::setModelOffers(std::set<std::string> offers) {
  offers_ = std::move(offers);
  refresh();
}

void PlanForm::refresh() {
  for (const auto& [family, chain] : chains_) {
    QStringList names;
    if (const auto it = order_.find(family); it != order_.end())
      for (const StrategyForm* f : it->second) names << text(f->descriptor().id);
    chain->setText(names.isEmpty() ? tr("off") : names.join(QStringLiteral(" → ")));
  }
  const auto result = plan();
  problem_ = result ? QString() : text(result.error().message);
  verdict_->setVisible(!result);
  if (!result) verdict_->setText(tr("Refused: %1").arg(problem_));
  Q_EMIT changed();
}

}  // namespace ts
