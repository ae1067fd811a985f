// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/strategy_form.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>
#include <set>

#include "widgets/base/buttons.h"
#include "widgets/base/flow_layout.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"

namespace ts {

Result<SpecText> splitSpec(const std::string& written) {
  const QString whole = text(written).trimmed();
  SpecText spec;
  spec.id = utf8(whole.section(QLatin1Char(':'), 0, 0).trimmed());
  const QString rest = whole.section(QLatin1Char(':'), 1);
  for (const QString& part : rest.split(QLatin1Char(','), Qt::SkipEmptyParts)) {
    const auto equals = part.indexOf(QLatin1Char('='));
    if (equals < 1) return fail("expected NAME=VALUE, found '" + utf8(part) + "'", written);
    spec.values.emplace_back(utf8(part.left(equals).trimmed()), utf8(part.mid(equals + 1).trimmed()));
  }
  return spec;
}

StrategyForm::StrategyForm(const Strategy& strategy, ParameterField::Kind kind, QWidget* parent) : QWidget(parent), strategy_(strategy), kind_(kind) {
  const Descriptor& d = strategy.descriptor;
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 3, 0, 3);
  column->setSpacing(space::kTight);
  auto* row = new QHBoxLayout;
  row->setSpacing(space::kSmall);
  switch_ = new Switch(text(d.title));
  row->addWidget(switch_, 0, Qt::AlignTop);
  auto* words = new QVBoxLayout;
  words->setSpacing(0);
  auto* title = new QLabel(text(d.title));
  title->setWordWrap(true);
  words->addWidget(title);
  QString help = text(d.help);
  if (kind_ == ParameterField::Kind::Axis) words->addWidget(mutedLabel(help));
  if (!d.paper.empty()) help += QStringLiteral("\n\n") + text(d.paper);
  row->addLayout(words, 1);
  setToolTip(help);
  switch_->setAccessibleDescription(help);
  column->addLayout(row);
  parameters_ = new QWidget;
  auto* inset = new QHBoxLayout(parameters_);
  inset->setContentsMargins(switch_->sizeHint().width() + space::kSmall, 0, 0, space::kTight);
  flow_ = new FlowLayout(space::kMedium, space::kTight + 2);
  inset->addLayout(flow_);
  column->addWidget(parameters_);
  parameters_->hide();
  for (const Parameter& parameter : d.parameters) addField(parameter);
  syncFields();
  connect(switch_, &QAbstractButton::toggled, this, [this](bool on) {
    parameters_->setVisible(on && !fields_.empty());
    Q_EMIT toggled(on);
    Q_EMIT changed();
  });
}

void StrategyForm::addField(const Parameter& parameter) {
  auto* added = new ParameterField(parameter, kind_);
  fields_.push_back(added);
  flow_->addWidget(added);
  connect(added, &ParameterField::changed, this, [this, added] {
    if (added->parameter().type == ParameterType::Strategy) syncFields();
    Q_EMIT changed();
  });
}

void StrategyForm::syncFields() {
  std::set<std::string> own, wanted;
  for (const Parameter& p : strategy_.descriptor.parameters) own.insert(p.name);
  std::vector<const Parameter*> brought;
  for (const Parameter& p : strategy_.descriptor.parameters) {
    if (p.type != ParameterType::Strategy) continue;
    const std::string written = field(p.name)->value();
    const QString chosen = text(written.empty() ? toText(p.fallback) : written);
    for (const QString& id : chosen.split(QLatin1Char('|'), Qt::SkipEmptyParts))
      if (const Strategy* named = registry().find(p.family, utf8(id.trimmed())))
        for (const Parameter& q : named->descriptor.parameters)
          if (!own.contains(q.name) && wanted.insert(q.name).second) brought.push_back(&q);
  }
  for (auto it = fields_.begin(); it != fields_.end();) {
    const std::string& name = (*it)->parameter().name;
    if (own.contains(name) || wanted.contains(name)) {
      ++it;
      continue;
    }
    (*it)->deleteLater();
    flow_->removeWidget(*it);
    (*it)->hide();
    it = fields_.erase(it);
  }
  for (const Parameter* p : brought)
    if (!field(p->name)) addField(*p);
}

ParameterField* StrategyForm::field(const std::string& name) const {
  for (ParameterField* f : fields_)
    if (f->parameter().name == name) return f;
  return nullptr;
}

bool StrategyForm::isOn() const { return switch_->isChecked(); }
void StrategyForm::setOn(bool on) { switch_->setChecked(on); }

std::string StrategyForm::specText() const {
  std::string spec = strategy_.descriptor.id;
  char separator = ':';
  for (const ParameterField* f : fields_) {
    const std::string value = f->value();
    if (value.empty()) continue;
    spec += separator + f->parameter().name + "=" + value;
    separator = ',';
  }
  return spec;
}

Result<void> StrategyForm::setSpecText(const std::string& written) {
  TS_TRY(const SpecText spec, splitSpec(written));
  if (spec.id != strategy_.descriptor.id) return fail("expected '" + strategy_.descriptor.id + "'", written);
  std::set<std::string> given;
  // Parameters that name a strategy first: they decide which other fields there are.
  for (const bool strategies : {true, false})
    for (const auto& [name, value] : spec.values) {
      ParameterField* f = field(name);
      if (!f && !strategies) return fail("'" + spec.id + "' has no parameter '" + name + "'", written);
      if (!f || (f->parameter().type == ParameterType::Strategy) != strategies) continue;
      f->setValue(value);
      given.insert(name);
    }
  for (ParameterField* f : fields_)
    if (!given.contains(f->parameter().name)) f->setValue({});
  setOn(true);
  return {};
}

bool StrategyForm::hasProblem() const {
  if (!isOn()) return false;
  for (const ParameterField* f : fields_)
    if (!f->problem().isEmpty()) return true;
  return false;
}

}  // namespace ts
