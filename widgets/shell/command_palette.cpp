// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/shell/command_palette.h"

#include <QAction>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QPointer>
#include <QSortFilterProxyModel>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <QTimer>
#include <QVBoxLayout>

#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/theme.h"

namespace ts {
namespace {

constexpr int kActionRole = Qt::UserRole + 1, kKeysRole = Qt::UserRole + 2;

/// All typed words occur in the command's text, in any order.
class WordFilter final : public QSortFilterProxyModel {
 public:
  using QSortFilterProxyModel::QSortFilterProxyModel;
  void setWords(const QString& words) {
    words_ = words.split(QLatin1Char(' '), Qt::SkipEmptyParts);
    invalidateFilter();
  }

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override {
    const QString text = sourceModel()->index(row, 0, parent).data().toString();
    for (const QString& word : words_)
      if (!text.contains(word, Qt::CaseInsensitive)) return false;
    return true;
  }

 private:
  QStringList words_;
};

class CommandDelegate final : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    QStyledItemDelegate::paint(painter, option, index);
    painter->setPen(option.state & QStyle::State_Selected ? option.palette.color(QPalette::HighlightedText) : mutedText(option.palette));
    painter->drawText(option.rect.adjusted(0, 0, -10, 0), Qt::AlignRight | Qt::AlignVCenter, index.data(kKeysRole).toString());
  }
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    return {QStyledItemDelegate::sizeHint(option, index).width(), option.fontMetrics.height() + 14};
  }
};

}  // namespace

CommandPalette::CommandPalette(const QList<QAction*>& actions, QWidget* parent) : QDialog(parent, Qt::Dialog | Qt::FramelessWindowHint) {
  setWindowTitle(tr("Commands"));
  setAttribute(Qt::WA_DeleteOnClose);
  commands_ = new QStandardItemModel(this);
  for (QAction* action : actions) {
    if (!action->isEnabled() || !action->isVisible() || action->isSeparator() || action->text().isEmpty() || action->menu()) continue;
    auto* item = new QStandardItem(action->icon(), QString(action->text()).remove(QLatin1Char('&')));
    item->setData(QVariant::fromValue(QPointer<QAction>(action)), kActionRole);
    item->setData(action->shortcut().toString(QKeySequence::NativeText), kKeysRole);
    item->setEditable(false);
    commands_->appendRow(item);
  }
  filter_ = new WordFilter(this);
  filter_->setSourceModel(commands_);
  filter_->sort(0);
  search_ = new QLineEdit;
  search_->setPlaceholderText(tr("Type a command"));
  search_->addAction(icon(QStringLiteral("command")), QLineEdit::LeadingPosition);
  search_->setMinimumHeight(34);
  search_->setAccessibleName(tr("Command"));
  search_->installEventFilter(this);
  list_ = new QListView;
  list_->setModel(filter_);
  list_->setItemDelegate(new CommandDelegate(list_));
  list_->setFrameShape(QFrame::NoFrame);
  list_->setUniformItemSizes(true);
  list_->setFocusPolicy(Qt::NoFocus);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(space::kSmall, space::kSmall, space::kSmall, space::kSmall);
  column->addWidget(search_);
  column->addWidget(list_);
  resize(560, 400);
  if (parent) move(parent->mapToGlobal(QPoint((parent->width() - width()) / 2, 60)));
  connect(search_, &QLineEdit::textChanged, this, &CommandPalette::setFilter);
  connect(list_, &QListView::clicked, this, &CommandPalette::runCurrent);
  setFilter({});
}

void CommandPalette::setFilter(const QString& words) {
  static_cast<WordFilter*>(filter_)->setWords(words);
  list_->setCurrentIndex(filter_->index(0, 0));
}

QStringList CommandPalette::shown() const {
  QStringList texts;
  for (int row = 0; row < filter_->rowCount(); ++row) texts << filter_->index(row, 0).data().toString();
  return texts;
}

void CommandPalette::runCurrent() {
  const auto action = list_->currentIndex().data(kActionRole).value<QPointer<QAction>>();
  close();
  if (action) QTimer::singleShot(0, action, &QAction::trigger);
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (watched == search_ && event->type() == QEvent::KeyPress) {
    const int key = static_cast<QKeyEvent*>(event)->key();
    if (key == Qt::Key_Return || key == Qt::Key_Enter) return runCurrent(), true;
    const int step = key == Qt::Key_Down ? 1 : key == Qt::Key_Up ? -1 : key == Qt::Key_PageDown ? 8 : key == Qt::Key_PageUp ? -8 : 0;
    if (step) {
      const int row = std::clamp(list_->currentIndex().row() + step, 0, std::max(0, filter_->rowCount() - 1));
      list_->setCurrentIndex(filter_->index(row, 0));
      return true;
    }
  }
  return QDialog::eventFilter(watched, event);
}

}  // namespace ts
