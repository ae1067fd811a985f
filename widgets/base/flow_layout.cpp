// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/flow_layout.h"

#include <QHBoxLayout>
#include <QLabel>

#include "widgets/base/layout.h"

namespace ts {

FlowLayout::FlowLayout(int horizontal, int vertical, QWidget* parent) : QLayout(parent), horizontal_(horizontal), vertical_(vertical) {
  setContentsMargins(0, 0, 0, 0);
}

FlowLayout::~FlowLayout() { qDeleteAll(items_); }

QSize FlowLayout::minimumSize() const {
  QSize size;
  for (const QLayoutItem* item : items_) size = size.expandedTo(item->minimumSize());
  return size.grownBy(contentsMargins());
}

void FlowLayout::setGeometry(const QRect& rect) {
  QLayout::setGeometry(rect);
  arrange(rect, true);
}

int FlowLayout::arrange(const QRect& rect, bool apply) const {
  const QRect area = rect.marginsRemoved(contentsMargins());
  int x = area.x(), y = area.y(), height = 0;
  QList<QPair<QLayoutItem*, QRect>> line;
  const auto finish = [&] {
    for (auto& [item, place] : line) {
      place.moveTop(y + (height - place.height()) / 2);
      if (apply) item->setGeometry(place);
    }
    line.clear();
  };
  for (QLayoutItem* item : items_) {
    if (item->isEmpty()) continue;
    const QSize size = item->sizeHint();
    if (x > area.x() && x + size.width() > area.right() + 1) {
      finish();
      x = area.x();
      y += height + vertical_;
      height = 0;
    }
    line.append({item, QRect(QPoint(x, y), QSize(std::min(size.width(), area.width()), size.height()))});
    x += size.width() + horizontal_;
    height = std::max(height, size.height());
  }
  finish();
  return y + height - rect.y() + contentsMargins().bottom();
}

QWidget* labelled(const QString& label, QWidget* field, QWidget* second) {
  auto* box = new QWidget;
  auto* row = new QHBoxLayout(box);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(6);
  auto* name = mutedLabel(label);
  name->setWordWrap(false);
  name->setBuddy(field);
  row->addWidget(name);
  row->addWidget(field);
  if (second) row->addWidget(second);
  if (field->accessibleName().isEmpty()) field->setAccessibleName(label);
  return box;
}

}  // namespace ts
