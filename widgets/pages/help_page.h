// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QAction;
class QTextBrowser;

namespace ts {

/// How to use the program, every strategy it knows (from the registry), every shortcut.
class HelpPage : public QWidget {
  Q_OBJECT
 public:
  explicit HelpPage(QWidget* parent = nullptr);
  void setActions(const QList<QAction*>& actions);  ///< for the list of shortcuts
  void showChapter(const QString& anchor);          ///< "start", "front", "strategies", "shortcuts"
  QString html() const;

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void fill();
  QTextBrowser* text_ = nullptr;
  QList<QAction*> commands_;
};

}  // namespace ts
