// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <map>

#include "widgets/forms/sweep_draft.h"

class QAction;
class QCheckBox;
class QTabBar;
class QUndoStack;

namespace ts {

class FamilyAxes;
class MeasureForm;
class ModelService;
class PlanPreview;
class RunCatalogue;
class SweepService;
class UserSettings;

/// What do I want to vary? A sweep as forms, made from the registry; every edit can be undone.
class ExperimentPage : public QWidget {
  Q_OBJECT
 public:
  ExperimentPage(ModelService& models, SweepService& sweeps, RunCatalogue& catalogue, UserSettings& settings, QWidget* parent = nullptr);

  const SweepDraft& draft() const { return draft_; }
  void setDraft(const SweepDraft& draft);      ///< an edit, can be undone
  Result<void> open(const QString& path);
  Result<void> save(const QString& path);
  PlanPreview& preview() { return *preview_; }
  QUndoStack& undoStack() { return *undo_; }
  QList<QAction*> pageActions() const { return actions_; }

 Q_SIGNALS:
  void startRequested(const std::string& json);
  void message(const QString& text);

 private:
  friend class DraftEdit;
  void edited();                       ///< a field was changed
  void apply(const SweepDraft& draft); ///< into the fields, without an edit of its own
  void showGroup(int index);
  void fillTabs();
  void refreshPreview();
  void openFile();
  void openOrWarn(const QString& path);
  void saveFile();
  SweepDraft collect() const;

  ModelService& models_;
  UserSettings& settings_;
  SweepDraft draft_;
  int group_ = 0;
  bool applying_ = false;
  MeasureForm* measure_ = nullptr;
  QTabBar* tabs_ = nullptr;
  std::map<Family, FamilyAxes*> axes_;
  QCheckBox *f32_ = nullptr, *q8_ = nullptr;
  PlanPreview* preview_ = nullptr;
  QUndoStack* undo_ = nullptr;
  QList<QAction*> actions_;
};

}  // namespace ts
