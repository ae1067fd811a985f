// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QAction;
class QCheckBox;
class QLabel;
class QPlainTextEdit;
class QSpinBox;

namespace ts {

class ContentOrEmpty;
class GenerationService;
class ModelService;
class PlanColumn;
class PrimaryButton;

/// What does this plan feel like? Tokens as they come, one plan or two after each other side by side.
class PlaygroundPage : public QWidget {
  Q_OBJECT
 public:
  PlaygroundPage(ModelService& models, GenerationService& generation, QWidget* parent = nullptr);

  void setPrompt(const QString& prompt);
  void setTokens(int tokens);
  void setTwoPlans(bool two);
  void generate();
  PlanColumn& column(int slot) { return *columns_[slot]; }
  QList<QAction*> pageActions() const { return actions_; }

 Q_SIGNALS:
  void modelsRequested();

 private:
  void modelChanged();
  void showAsked();  ///< in the command lines
  void busyChanged(bool busy);

  ModelService& models_;
  GenerationService& generation_;
  ContentOrEmpty* stack_ = nullptr;
  QPlainTextEdit* prompt_ = nullptr;
  QSpinBox *tokens_ = nullptr, *seed_ = nullptr;
  QCheckBox *chat_ = nullptr, *two_ = nullptr;
  QLabel* model_ = nullptr;
  PrimaryButton* go_ = nullptr;
  PlanColumn* columns_[2] = {};
  QList<QAction*> actions_;
};

}  // namespace ts
