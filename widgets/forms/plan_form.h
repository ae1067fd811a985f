// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <map>
#include <set>
#include <vector>

#include "engine/session/plan.h"

class QComboBox;
class QLabel;

namespace ts {

class StrategyForm;

/// A whole plan as switches: every registered strategy, in its family; what is switched on is applied in the order of
/// switching on. Says at once whether the plan can hold, and why not.
class PlanForm : public QWidget {
  Q_OBJECT
 public:
  explicit PlanForm(QWidget* parent = nullptr);

  Result<Plan> plan() const;  ///< errors: a field's text, or a combination that is refused
  void setPlan(const Plan& plan);
  void setModelOffers(std::set<std::string> offers);
  QString problem() const { return problem_; }

 Q_SIGNALS:
  void changed();

 private:
  void refresh();
  StrategyForm* form(Family family, const std::string& id) const;

  std::map<Family, std::vector<StrategyForm*>> forms_;
  std::map<Family, std::vector<StrategyForm*>> order_;  ///< switched on, in that order
  std::map<Family, QLabel*> chains_;
  QComboBox* activations_ = nullptr;
  QLabel* verdict_ = nullptr;
  QString problem_;
  std::set<std::string> offers_;
};

}  // namespace ts
