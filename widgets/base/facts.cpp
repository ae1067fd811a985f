// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/facts.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGridLayout>
#include <QGuiApplication>
#include <QLabel>
#include <QMenu>
#include <algorithm>

#include "widgets/base/icons.h"
#include "widgets/base/layout.h"

namespace ts {

FactList::FactList(QWidget* parent) : QWidget(parent), grid_(new QGridLayout(this)) {
  grid_->setContentsMargins(0, 0, 0, 0);
  grid_->setHorizontalSpacing(space::kMedium);
  grid_->setVerticalSpacing(space::kTight + 1);
  grid_->setColumnStretch(1, 1);
}

void FactList::setFacts(const QList<Fact>& facts) {
  if (facts == facts_) return;
  facts_ = facts;
  while (QLayoutItem* item = grid_->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  for (int row = 0; row < facts.size(); ++row) {
    const Fact& fact = facts[row];
    QLabel* name = mutedLabel(fact.name);
    constexpr int kWidest = 190;  // longer names go on in the next line
    name->setFixedWidth(std::min(kWidest, name->fontMetrics().horizontalAdvance(fact.name) + 2));
    auto* value = new QLabel(fact.value);
    value->setWordWrap(true);
    value->setTextFormat(Qt::PlainText);
    value->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    value->setAccessibleName(fact.name);
    for (QLabel* label : {name, value}) label->setToolTip(fact.toolTip);
    grid_->addWidget(name, row, 0, Qt::AlignTop | Qt::AlignLeft);
    grid_->addWidget(value, row, 1);
  }
}

QString FactList::asText() const {
  QString text;
  for (const Fact& fact : facts_) text += fact.name + QLatin1Char('\t') + fact.value + QLatin1Char('\n');
  return text;
}

void FactList::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addAction(icon(QStringLiteral("copy")), tr("Copy all as text"),
                 this, [this] { QGuiApplication::clipboard()->setText(asText()); });
  menu.exec(event->globalPos());
}

}  // namespace ts
