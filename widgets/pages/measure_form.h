// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "widgets/forms/sweep_draft.h"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace ts {

class Card;

/// The part of a sweep that says what is measured: model, quality task, latency bench, search.
class MeasureForm : public QWidget {
  Q_OBJECT
 public:
  explicit MeasureForm(QWidget* parent = nullptr);
  void read(SweepDraft& draft) const;  ///< writes the fields into the draft
  void show(const SweepDraft& draft);
  void setModels(const QStringList& sources);  ///< to choose from

 Q_SIGNALS:
  void changed();

 private:
  void enable();
  QLineEdit *name_ = nullptr, *data_ = nullptr, *depths_ = nullptr, *objectives_ = nullptr, *constraints_ = nullptr;
  QComboBox *model_ = nullptr, *task_ = nullptr, *method_ = nullptr;
  QCheckBox *quality_ = nullptr, *latency_ = nullptr, *dense_ = nullptr, *memory_ = nullptr;
  QDoubleSpinBox *untilStderr_ = nullptr, *interval_ = nullptr;
  QSpinBox *limit_ = nullptr, *context_ = nullptr, *prompt_ = nullptr, *generate_ = nullptr, *repetitions_ = nullptr,
           *warmup_ = nullptr, *budget_ = nullptr, *seed_ = nullptr, *threads_ = nullptr;
  QWidget *budgetBox_ = nullptr, *objectivesBox_ = nullptr;
  QLabel* taskHelp_ = nullptr;
};

}  // namespace ts
