// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QWidget>

class QLabel;

namespace ts {

/// A few measured numbers, large, each with its name below.
class Figures : public QWidget {
  Q_OBJECT
 public:
  explicit Figures(const QStringList& names, QWidget* parent = nullptr);
  void set(int index, const QString& value, const QString& toolTip = {});
  void clear();
  QString value(int index) const;

 private:
  QList<QLabel*> values_;
};

}  // namespace ts
