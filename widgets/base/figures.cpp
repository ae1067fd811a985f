// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/figures.h"

#include <QLabel>
#include <QVBoxLayout>

#include "widgets/base/flow_layout.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"

namespace ts {

Figures::Figures(const QStringList& names, QWidget* parent) : QWidget(parent) {
  auto* row = new FlowLayout(space::kLarge, space::kTight, this);
  for (const QString& name : names) {
    auto* box = new QWidget;
    auto* column = new QVBoxLayout(box);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    auto* value = new QLabel(missing());
    QFont large = value->font();
    large.setPointSizeF(large.pointSizeF() * 1.45);
    large.setWeight(QFont::DemiBold);
    value->setFont(large);
    value->setAccessibleName(name);
    value->setTextInteractionFlags(Qt::TextSelectableByMouse);
    QLabel* caption = mutedLabel(name);
    caption->setWordWrap(false);
    column->addWidget(value);
    column->addWidget(caption);
    box->setMinimumWidth(74);
    values_ << value;
    row->addWidget(box);
  }
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Maximum);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void Figures::set(int index, const QString& value, const QString& toolTip) {
  values_[index]->setText(value);
  values_[index]->setToolTip(toolTip);
  layout()->invalidate();
}

void Figures::clear() {
  for (int i = 0; i < values_.size(); ++i) set(i, missing());
}

QString Figures::value(int index) const { return values_[index]->text(); }

}  // namespace ts
