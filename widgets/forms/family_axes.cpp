// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/family_axes.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "experiments/spec/chain.h"
#include "widgets/base/buttons.h"
#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"
#include "widgets/forms/family_text.h"
#include "widgets/forms/strategy_form.h"

namespace ts {

/// A combination of strategies, written.
class FamilyAxes::Chain : public QWidget {
 public:
  Chain(const QString& written, const QString& example, QWidget* parent = nullptr) : QWidget(parent) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    edit = new QLineEdit(written);
    edit->setPlaceholderText(example);
    edit->setAccessibleName(FamilyAxes::tr("Combination of strategies"));
    remove = iconButton(QStringLiteral("close"), FamilyAxes::tr("Remove this combination"));
    row->addWidget(edit, 1);
    row->addWidget(remove);
  }
  QLineEdit* edit;
  QToolButton* remove;
};

FamilyAxes::FamilyAxes(Family family, QWidget* parent) : QWidget(parent), family_(family) {
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  card_ = new Card(familyTitle(family));
  outer->addWidget(card_);
  count_ = mutedLabel({});
  count_->setWordWrap(false);
  card_->addHeaderWidget(count_);
  card_->body()->setSpacing(space::kTight);
  card_->body()->addWidget(mutedLabel(familyHelp(family)));
  off_ = new QCheckBox(tr("Off is one of the alternatives"));
  off_->setChecked(true);
  card_->body()->addWidget(off_);
  for (const Strategy* strategy : registry().ofFamily(family)) {
    auto* form = new StrategyForm(*strategy, ParameterField::Kind::Axis);
    forms_.push_back(form);
    card_->body()->addWidget(form);
    connect(form, &StrategyForm::changed, this, &FamilyAxes::refresh);
  }
  chainColumn_ = new QVBoxLayout;
  chainColumn_->setSpacing(space::kTight);
  card_->body()->addLayout(chainColumn_);
  verdict_ = new QLabel;
  verdict_->setWordWrap(true);
  verdict_->hide();
  card_->body()->addWidget(verdict_);
  if (family == Family::Weights || family == Family::KeyValue || family == Family::Sampling) {
    auto* combine = new QPushButton(icon(QStringLiteral("plus")), tr("Add a combination"));
    combine->setToolTip(tr("Strategies applied one after the other, joined with +"));
    combine->setFlat(true);
    connect(combine, &QPushButton::clicked, this, [this] {
      addChain({});
      chains_.back()->edit->setFocus();
    });
    card_->body()->addWidget(combine, 0, Qt::AlignLeft);
  }
  connect(off_, &QCheckBox::toggled, this, &FamilyAxes::refresh);
  refresh();
}

void FamilyAxes::addChain(const std::string& written) {
  const QString example = family_ == Family::Weights ? QStringLiteral("flap:sparsity=0.1..0.3/3 + q4:group=32")
                          : family_ == Family::KeyValue ? QStringLiteral("q8 + h2o:budget=0.2|0.5")
                                                        : QStringLiteral("temperature:value=0.7|1 + top-p:p=0.9");
  auto* chain = new Chain(text(written), example);
  chains_.push_back(chain);
  chainColumn_->addWidget(chain);
  connect(chain->edit, &QLineEdit::textChanged, this, &FamilyAxes::refresh);
  connect(chain->remove, &QToolButton::clicked, this, [this, chain] {
    std::erase(chains_, chain);
    chain->deleteLater();
    refresh();
  });
}

std::vector<std::string> FamilyAxes::alternatives() const {
  std::vector<std::string> list;
  if (off_->isChecked()) list.emplace_back();
  for (const StrategyForm* form : forms_)
    if (form->isOn()) list.push_back(form->specText());
  for (const Chain* chain : chains_)
    if (const QString written = chain->edit->text().trimmed(); !written.isEmpty()) list.push_back(utf8(written));
  if (list.empty()) list.emplace_back();
  return list;
}

void FamilyAxes::setAlternatives(const std::vector<std::string>& alternatives) {
  filling_ = true;
  for (StrategyForm* form : forms_) form->setOn(false);
  for (Chain* chain : chains_) delete chain;
  chains_.clear();
  off_->setChecked(std::ranges::count(alternatives, "") > 0);
  for (const std::string& alternative : alternatives) {
    if (alternative.empty()) continue;
    const auto spec = splitSpec(alternative);
    const auto form = std::find_if(forms_.begin(), forms_.end(), [&](const StrategyForm* f) { return spec && f->descriptor().id == spec->id; });
    // A second alternative of the same strategy, or a chain, is kept as it is written.
    if (form == forms_.end() || (*form)->isOn() || !(*form)->setSpecText(alternative)) addChain(alternative);
  }
  filling_ = false;
  refresh();
}

int FamilyAxes::choices() const {
  std::size_t sum = 0;
  for (const std::string& alternative : alternatives()) {
    const auto chains = parseAlternatives(family_, alternative, {});
    if (!chains) return 0;
    sum += chains->size();
  }
  return static_cast<int>(sum);
}

void FamilyAxes::refresh() {
  if (filling_) return;
  problem_.clear();
  for (const std::string& alternative : alternatives())
    if (const auto chains = parseAlternatives(family_, alternative, {}); !chains) problem_ = text(chains.error().message);
  verdict_->setVisible(!problem_.isEmpty());
  verdict_->setText(problem_);
  const int n = choices();
  count_->setText(!problem_.isEmpty() ? tr("not valid") : alternatives() == std::vector<std::string>{""} ? tr("off") : tr("%n alternative(s)", nullptr, n));
  Q_EMIT changed();
}

}  // namespace ts
