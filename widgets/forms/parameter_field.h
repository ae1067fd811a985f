// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <string>

#include "engine/registry/registry.h"

class QComboBox;
class QLineEdit;
class QToolButton;

namespace ts {

/// One parameter of a strategy, edited as text: empty is the default. As an axis it also takes lists (`2|4|8`) and ranges
/// (`0.1..0.5/5`), offered by a menu. A wrong text is marked and explained, never dropped.
class ParameterField : public QWidget {
  Q_OBJECT
 public:
  enum class Kind { Value, Axis };
  ParameterField(Parameter parameter, Kind kind, QWidget* parent = nullptr);

  const Parameter& parameter() const { return parameter_; }
  std::string value() const;  ///< as written; empty: the default
  void setValue(const std::string& text);
  QString problem() const;    ///< why the text is not accepted; empty when it is

 Q_SIGNALS:
  void changed();

 private:
  void makeMenu();
  void check();
  QStringList choices() const;
  QString problemOf(const QString& one) const;

  Parameter parameter_;
  Kind kind_;
  QComboBox* box_ = nullptr;   ///< for single choices
  QLineEdit* edit_ = nullptr;  ///< for everything else
};

}  // namespace ts
