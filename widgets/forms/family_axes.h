// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <string>
#include <vector>

#include "engine/registry/registry.h"

class QCheckBox;
class QLabel;
class QVBoxLayout;

namespace ts {

class Card;
class StrategyForm;

/// The alternatives of one family in a sweep: off, each strategy that is switched on with what of it varies, and
/// combinations written as chains.
class FamilyAxes : public QWidget {
  Q_OBJECT
 public:
  explicit FamilyAxes(Family family, QWidget* parent = nullptr);

  std::vector<std::string> alternatives() const;
  void setAlternatives(const std::vector<std::string>& alternatives);
  int choices() const;       ///< how many chains the alternatives expand to; 0 when one is wrong
  QString problem() const { return problem_; }

 Q_SIGNALS:
  void changed();

 private:
  class Chain;
  void addChain(const std::string& text);
  void refresh();

  Family family_;
  Card* card_ = nullptr;
  QLabel *count_ = nullptr, *verdict_ = nullptr;
  QCheckBox* off_ = nullptr;
  std::vector<StrategyForm*> forms_;
  std::vector<Chain*> chains_;
  QVBoxLayout* chainColumn_ = nullptr;
  QString problem_;
  bool filling_ = false;
};

}  // namespace ts
