// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "engine/decoding/decoder.h"
#include "engine/session/plan.h"

class QLabel;
class QPlainTextEdit;
class QSplitter;

namespace ts {

class Figures;
class PlanForm;

/// One plan of the playground: its switches, what it writes, and what that took.
class PlanColumn : public QWidget {
  Q_OBJECT
 public:
  explicit PlanColumn(const QString& name, QWidget* parent = nullptr);

  PlanForm& form() { return *form_; }
  void setSideBySide(bool narrow);  ///< form below the output instead of beside it
  void begin(const QString& prompt);  ///< shown before the output, muted
  void setStage(const QString& what);
  void append(const QString& text, int tokens, double tokensPerSecond);
  void finish(const Generation& generation);
  void fail(const QString& message);
  /// What is asked of the plan, for its command line.
  struct Asked {
    QString model, prompt;
    bool chat = false;
    int tokens = 0, seed = 0;
  };
  void setAsked(Asked asked);
  QString command() const;
  QString output() const;
  QString figure(int index) const;

 private:
  void showCommand();

  Figures* figures_ = nullptr;
  QPlainTextEdit* output_ = nullptr;
  QLabel *stage_ = nullptr, *engaged_ = nullptr, *command_ = nullptr;
  PlanForm* form_ = nullptr;
  QSplitter* split_ = nullptr;
  int promptLength_ = 0;
  Asked asked_{QStringLiteral("MODEL"), {}};
};

}  // namespace ts
