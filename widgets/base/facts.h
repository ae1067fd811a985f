// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QPair>
#include <QString>
#include <QWidget>

class QGridLayout;

namespace ts {

/// Names and values under each other, the values selectable; copied as tab-separated lines.
class FactList : public QWidget {
  Q_OBJECT
 public:
  struct Fact {
    QString name;
    QString value;
    QString toolTip = {};
    bool operator==(const Fact&) const = default;
  };
  explicit FactList(QWidget* parent = nullptr);
  void setFacts(const QList<Fact>& facts);
  const QList<Fact>& facts() const { return facts_; }
  QString asText() const;

 protected:
  void contextMenuEvent(QContextMenuEvent* event) override;

 private:
  QGridLayout* grid_ = nullptr;
  QList<Fact> facts_;
};

}  // namespace ts
