// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <vector>

#include "engine/registry/registry.h"
#include "widgets/forms/parameter_field.h"

class QLabel;

namespace ts {

class FlowLayout;
class Switch;

/// One strategy: a switch, its name and help, and, while it is on, its parameters; made from the descriptor alone. A parameter
/// that names another strategy (a drafter) brings that strategy's parameters along.
class StrategyForm : public QWidget {
  Q_OBJECT
 public:
  StrategyForm(const Strategy& strategy, ParameterField::Kind kind, QWidget* parent = nullptr);

  const Descriptor& descriptor() const { return strategy_.descriptor; }
  bool isOn() const;
  void setOn(bool on);
  /// "q4:group=32|64": what is written in the fields; parameters left at their default are not named.
  std::string specText() const;
  /// Switches on and fills the fields. Errors: not this strategy, not one specification.
  Result<void> setSpecText(const std::string& text);
  bool hasProblem() const;

 Q_SIGNALS:
  void changed();
  void toggled(bool on);

 private:
  void syncFields();  ///< the fields that the chosen drafter brings
  ParameterField* field(const std::string& name) const;
  void addField(const Parameter& parameter);

  const Strategy& strategy_;
  ParameterField::Kind kind_;
  Switch* switch_ = nullptr;
  QWidget* parameters_ = nullptr;
  FlowLayout* flow_ = nullptr;
  std::vector<ParameterField*> fields_;
};

/// Splits "id:a=1|2,b=x" without looking at the values. Lists and ranges stay as they are.
struct SpecText {
  std::string id;
  std::vector<std::pair<std::string, std::string>> values;
};
Result<SpecText> splitSpec(const std::string& text);

}  // namespace ts
