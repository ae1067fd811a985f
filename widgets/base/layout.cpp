// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/layout.h"

#include <QEvent>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QPainter>
#include <QPushButton>
#include <QStackedLayout>

#include "widgets/base/buttons.h"
#include "widgets/base/icons.h"
#include "widgets/base/theme.h"

namespace ts {
namespace {

QFont resized(QFont font, double factor, QFont::Weight weight) {
  font.setPointSizeF(font.pointSizeF() * factor);
  font.setWeight(weight);
  return font;
}

}  // namespace

QLabel* mutedLabel(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setWordWrap(true);
  return label;
}

QLabel* headingLabel(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setFont(resized(label->font(), 1.05, QFont::DemiBold));
  return label;
}

QLabel* monospaceLabel(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  return label;
}

Card::Card(const QString& title, QWidget* parent) : QFrame(parent) {
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(space::kMedium, space::kSmall + 2, space::kMedium, space::kMedium);
  outer->setSpacing(space::kSmall);
  header_ = new QHBoxLayout;
  header_->setSpacing(space::kSmall);
  title_ = headingLabel(title);
  title_->setVisible(!title.isEmpty());
  header_->addWidget(title_);
  header_->addStretch(1);
  outer->addLayout(header_);
  body_ = new QVBoxLayout;
  body_->setSpacing(space::kSmall);
  outer->addLayout(body_, 1);
  setAccessibleName(title);
}

void Card::addHeaderWidget(QWidget* widget) { header_->addWidget(widget); }

void Card::setTitle(const QString& title) {
  title_->setText(title);
  title_->setVisible(!title.isEmpty());
  setAccessibleName(title);
}

void Card::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(borderColour(palette()));
  painter.setBrush(palette().base());
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 7, 7);
}

PageHeader::PageHeader(const QString& title, const QString& question, QWidget* parent) : QWidget(parent) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(space::kSmall);
  auto* words = new QVBoxLayout;
  words->setSpacing(2);
  auto* name = new QLabel(title);
  name->setFont(resized(name->font(), 1.6, QFont::DemiBold));
  words->addWidget(name);
  words->addWidget(mutedLabel(question));
  row->addLayout(words, 1);
  actions_ = new QHBoxLayout;
  actions_->setSpacing(space::kSmall);
  row->addLayout(actions_);
}

void PageHeader::addWidget(QWidget* widget) { actions_->addWidget(widget, 0, Qt::AlignVCenter); }

EmptyState::EmptyState(const QString& iconName, const QString& title, const QString& advice, QWidget* parent)
    : QWidget(parent), iconName_(iconName) {
  auto* column = new QVBoxLayout(this);
  column->setSpacing(space::kSmall);
  column->addStretch(2);
  icon_ = new QLabel;
  icon_->setAlignment(Qt::AlignCenter);
  column->addWidget(icon_);
  column->addSpacing(space::kTight);
  title_ = new QLabel(title);
  title_->setFont(resized(title_->font(), 1.3, QFont::DemiBold));
  title_->setAlignment(Qt::AlignCenter);
  title_->setWordWrap(true);
  column->addWidget(title_);
  advice_ = mutedLabel(advice);
  advice_->setAlignment(Qt::AlignCenter);
  advice_->setMaximumWidth(520);
  advice_->setMinimumWidth(260);
  auto* centred = new QHBoxLayout;
  centred->addStretch(1);
  centred->addWidget(advice_, 8);
  centred->addStretch(1);
  column->addLayout(centred);
  column->addSpacing(space::kSmall);
  buttons_ = new QHBoxLayout;
  buttons_->setSpacing(space::kSmall);
  buttons_->addStretch(1);
  buttons_->addStretch(1);
  column->addLayout(buttons_);
  column->addStretch(3);
  paintIcon();
}

void EmptyState::setText(const QString& title, const QString& advice) {
  title_->setText(title);
  advice_->setText(advice);
}

QAbstractButton* EmptyState::addButton(const QString& iconName, const QString& text, bool primary) {
  QPushButton* button = primary ? new PrimaryButton(iconName, text) : new QPushButton(icon(iconName), text);
  buttons_->insertWidget(buttons_->count() - 1, button);
  return button;
}

void EmptyState::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange) paintIcon();
  QWidget::changeEvent(event);
}

void EmptyState::paintIcon() { icon_->setPixmap(icon(iconName_, mutedText(palette())).pixmap(QSize(48, 48), devicePixelRatioF())); }

ContentOrEmpty::ContentOrEmpty(QWidget* content, EmptyState* empty, QWidget* parent)
    : QWidget(parent), stack_(new QStackedLayout(this)), empty_(empty) {
  stack_->addWidget(empty);
  stack_->addWidget(content);
}
void ContentOrEmpty::showContent(bool content) { stack_->setCurrentIndex(content ? 1 : 0); }
bool ContentOrEmpty::showsContent() const { return stack_->currentIndex() == 1; }

}  // namespace ts
