// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QMainWindow>
#include <filesystem>
#include <memory>
#include <optional>

class QActionGroup;
class QDockWidget;
class QMenu;
class QStackedWidget;

namespace ts {

class ComparePage;
class ExperimentPage;
class FrontPage;
class GenerationService;
class HelpPage;
class ModelService;
class ModelsPage;
class PlaygroundPage;
class RunCatalogue;
class RunSelection;
class RunsPage;
class StatusPanel;
class StoreWatcher;
class SweepService;
class Theme;
class UserSettings;

/// The one window: composes rail, pages, docks and status bar. Pages know nothing of each other; what one asks for
/// ("compare these") is answered here.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  enum Page { Models, Playground, Experiment, Runs, FrontOfRuns, Compare, Help, PageCount };
  static QString pageName(Page page);  ///< "models" ... as on the command line

  MainWindow(std::filesystem::path store, Theme& theme, QWidget* parent = nullptr);
  ~MainWindow() override;

  void showPage(Page page);
  void openModel(const QString& source);
  bool readyForPictures() const;  ///< the store was read and no model is being opened
  QAction* pageAction(Page page) const { return pageActions_[page]; }
  void restoreDefaultLayout();

  ModelService& models() { return *models_; }
  GenerationService& generation() { return *generation_; }
  SweepService& sweeps() { return *sweeps_; }
  RunCatalogue& catalogue() { return *catalogue_; }
  RunSelection& selection() { return *selection_; }
  PlaygroundPage& playground() { return *playground_; }
  ExperimentPage& experiment() { return *experiment_; }
  FrontPage& front() { return *front_; }
  /// Answers the question whether a running sweep may be cancelled by closing; tests set it.
  void setCloseAnswer(bool close) { closeAnswer_ = close; }

 protected:
  void closeEvent(QCloseEvent* event) override;

 private:
  void makeServices(std::filesystem::path store);
  void makePages();
  void makeActions();
  void makeMenus();
  void makeDocks();
  void connectPages();
  void openStore();
  void say(const QString& message);
  void startSweep(const std::string& json);
  bool mayClose();

  Theme& theme_;
  std::unique_ptr<UserSettings> settings_;
  std::unique_ptr<RunCatalogue> catalogue_;
  std::unique_ptr<RunSelection> selection_;
  std::unique_ptr<ModelService> models_;
  std::unique_ptr<GenerationService> generation_;
  std::unique_ptr<SweepService> sweeps_;
  std::unique_ptr<StoreWatcher> watcher_;

  QStackedWidget* stack_ = nullptr;
  ModelsPage* modelsPage_ = nullptr;
  PlaygroundPage* playground_ = nullptr;
  ExperimentPage* experiment_ = nullptr;
  RunsPage* runs_ = nullptr;
  FrontPage* front_ = nullptr;
  ComparePage* compare_ = nullptr;
  HelpPage* help_ = nullptr;
  QDockWidget* detail_ = nullptr;
  StatusPanel* status_ = nullptr;
  QAction *pageActions_[PageCount] = {}, *storeAction_ = nullptr, *quitAction_ = nullptr, *paletteAction_ = nullptr, *layoutAction_ = nullptr,
          *pauseAction_ = nullptr, *cancelAction_ = nullptr;
  QActionGroup *pageGroup_ = nullptr, *themeGroup_ = nullptr;
  QByteArray defaultLayout_;
  std::optional<bool> detailWanted_;  ///< by the user; else there is a dock where there is room for it
  bool storeRead_ = false;
  std::optional<bool> closeAnswer_;
};

/// The name of a file that holds measured runs, from its first bytes.
bool isStore(const std::filesystem::path& path);

}  // namespace ts
