// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/shell/main_window.h"

#include <QActionGroup>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileDialog>
#include <QGuiApplication>
#include <QMenuBar>
#include <QMessageBox>
#include <QProcess>
#include <QScreen>
#include <QStackedWidget>
#include <QStatusBar>
#include <QUndoStack>
#include <fstream>

#include "engine/core/resources.h"

#include "widgets/base/icons.h"
#include "widgets/base/selection.h"
#include "widgets/base/settings.h"
#include "widgets/base/text.h"
#include "widgets/pages/compare_page.h"
#include "widgets/pages/experiment_page.h"
#include "widgets/pages/front_page.h"
#include "widgets/pages/help_page.h"
#include "widgets/pages/models_page.h"
#include "widgets/pages/playground_page.h"
#include "widgets/pages/runs_page.h"
#include "widgets/runs/run_detail.h"
#include "widgets/services/generation_service.h"
#include "widgets/services/model_service.h"
#include "widgets/services/store_watcher.h"
#include "widgets/services/sweep_service.h"
#include "widgets/shell/command_palette.h"
#include "widgets/shell/rail.h"
#include "widgets/shell/status_panel.h"

namespace ts {

constexpr int kRoomForDetail = 1150;  ///< width of a window that has room for the dock beside a page

bool isStore(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  char head[15] = {};
  return file.read(head, sizeof head) && std::string_view(head, sizeof head) == "SQLite format 3";
}

QString MainWindow::pageName(Page page) {
  static const char* const names[] = {"models", "playground", "experiment", "runs", "front", "compare", "help"};
  return QString::fromLatin1(names[page]);
}

MainWindow::MainWindow(std::filesystem::path store, Theme& theme, QWidget* parent) : QMainWindow(parent), theme_(theme) {
  setObjectName(QStringLiteral("MainWindow"));
  setWindowIcon(QIcon(QStringLiteral(":/icons/tradespace.svg")));
  setDockNestingEnabled(true);
  makeServices(std::move(store));
  makePages();
  makeDocks();
  makeActions();
  makeMenus();
  connectPages();
  setMinimumSize(900, 600);
  resize(QSize(1360, 860).boundedTo(QGuiApplication::primaryScreen()->availableSize()));
  defaultLayout_ = saveState(UserSettings::kLayoutVersion);
  restoreGeometry(settings_->geometry());
  restoreState(settings_->layout(), UserSettings::kLayoutVersion);
  if (const auto demo = resourceFolder() / "sweeps" / "demo.json"; std::filesystem::exists(demo)) {
    if (experiment_->open(text(demo.string()))) experiment_->undoStack().clear();
  }
  showPage(Models);
}

MainWindow::~MainWindow() {
  // Widgets look at the services: they go first.
  delete takeCentralWidget();
  delete detail_;
  delete status_;
}

void MainWindow::makeServices(std::filesystem::path store) {
  settings_ = std::make_unique<UserSettings>();
  theme_.apply(settings_->theme());
  catalogue_ = std::make_unique<RunCatalogue>();
  selection_ = std::make_unique<RunSelection>();
  models_ = std::make_unique<ModelService>();
  generation_ = std::make_unique<GenerationService>();
  sweeps_ = std::make_unique<SweepService>();
  setWindowTitle(tr("%1 – Tradespace").arg(text(store.filename().string())));
  watcher_ = std::make_unique<StoreWatcher>(std::move(store), *catalogue_);
}

void MainWindow::makePages() {
  stack_ = new QStackedWidget;
  stack_->addWidget(modelsPage_ = new ModelsPage(*models_, *settings_));
  stack_->addWidget(playground_ = new PlaygroundPage(*models_, *generation_));
  stack_->addWidget(experiment_ = new ExperimentPage(*models_, *sweeps_, *catalogue_, *settings_));
  stack_->addWidget(runs_ = new RunsPage(*catalogue_, *selection_, *settings_));
  stack_->addWidget(front_ = new FrontPage(*catalogue_, *selection_, *settings_));
  stack_->addWidget(compare_ = new ComparePage(*catalogue_, *selection_, [this](auto a, auto b, auto done) { watcher_->pair(a, b, ComparePage::kShownItems, std::move(done)); }));
  stack_->addWidget(help_ = new HelpPage);
}

void MainWindow::makeDocks() {
  detail_ = new QDockWidget(tr("Selected run"), this);
  detail_->setObjectName(QStringLiteral("RunDetailDock"));
  detail_->setWidget(new RunDetail(*catalogue_, *selection_));
  detail_->setMinimumWidth(280);
  addDockWidget(Qt::RightDockWidgetArea, detail_);
  resizeDocks({detail_}, {330}, Qt::Horizontal);
  status_ = new StatusPanel(*sweeps_, *catalogue_);
  statusBar()->addPermanentWidget(status_);
}

void MainWindow::makeActions() {
  struct Entry {
    const char* iconName;
    QString name, question;
  };
  const Entry entries[] = {{"models", tr("Models"), tr("What do I have, what is inside it, will it fit?")},
                           {"playground", tr("Playground"), tr("What does this plan feel like?")},
                           {"experiment", tr("Experiment"), tr("What do I want to vary?")},
                           {"runs", tr("Runs"), tr("What happened?")},
                           {"front", tr("Front"), tr("What should I choose?")},
                           {"compare", tr("Compare"), tr("What exactly differs, and is it real?")},
                           {"help", tr("Help"), tr("How to use the program; the strategies")}};
  auto* rail = new Rail;
  pageGroup_ = new QActionGroup(this);
  for (int p = 0; p < PageCount; ++p) {
    auto* action = new QAction(icon(QLatin1String(entries[p].iconName)), tr("Go to %1").arg(entries[p].name), this);
    action->setIconText(entries[p].name);
    action->setStatusTip(entries[p].question);
    action->setCheckable(true);
    action->setShortcut(p == Help ? QKeySequence(QKeySequence::HelpContents) : QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + p)));
    connect(action, &QAction::triggered, this, [this, p] { showPage(static_cast<Page>(p)); });
    pageGroup_->addAction(action);
    pageActions_[p] = action;
    if (p == Help) rail->addStretch();
    rail->addPage(action);
  }
  auto* centre = new QWidget;
  auto* row = new QHBoxLayout(centre);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  row->addWidget(rail);
  row->addWidget(stack_, 1);
  setCentralWidget(centre);

  const auto add = [this](QAction*& action, const char* iconName, const QString& text, const QKeySequence& keys, auto slot) {
    action = new QAction(icon(QLatin1String(iconName)), text, this);
    action->setShortcut(keys);
    connect(action, &QAction::triggered, this, slot);
  };
  add(storeAction_, "open", tr("Open results file…"), QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_S), &MainWindow::openStore);
  add(quitAction_, "close", tr("Quit"), QKeySequence::Quit, &QWidget::close);
  add(pauseAction_, "pause", tr("Pause or continue the sweep"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_R), [this] { sweeps_->progress().paused ? sweeps_->resume() : sweeps_->pause(); });
  add(cancelAction_, "stop", tr("Cancel the sweep"), QKeySequence(Qt::CTRL | Qt::Key_Period), [this] { sweeps_->cancel(); });
  add(layoutAction_, "restore", tr("Restore default layout"), {}, &MainWindow::restoreDefaultLayout);
  add(paletteAction_, "command", tr("Commands…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_P), [this] {
    QList<QAction*> commands = findChildren<QAction*>();
    commands.removeIf([](QAction* a) { return a->text().isEmpty(); });
    (new CommandPalette(commands, this))->show();
  });
}

void MainWindow::makeMenus() {
  QMenu* file = menuBar()->addMenu(tr("&File"));
  file->addActions(modelsPage_->pageActions());
  file->addSeparator();
  file->addAction(storeAction_);
  file->addSeparator();
  file->addAction(quitAction_);
  QMenu* go = menuBar()->addMenu(tr("&Go"));
  go->addActions(pageGroup_->actions());
  const auto pageMenu = [this](const QString& title, const QList<QAction*>& actions) { menuBar()->addMenu(title)->addActions(actions); };
  pageMenu(tr("&Playground"), playground_->pageActions());
  QMenu* sweep = menuBar()->addMenu(tr("&Experiment"));
  sweep->addActions(experiment_->pageActions());
  sweep->addSeparator();
  sweep->addActions({pauseAction_, cancelAction_});
  QMenu* results = menuBar()->addMenu(tr("&Results"));
  for (const auto& actions : {runs_->pageActions(), front_->pageActions(), compare_->pageActions()}) {
    results->addActions(actions);
    results->addSeparator();
  }
  QMenu* view = menuBar()->addMenu(tr("&View"));
  view->addAction(detail_->toggleViewAction());
  detail_->toggleViewAction()->setText(tr("Show the selected run"));
  detail_->toggleViewAction()->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_I));
  QMenu* themes = view->addMenu(icon(QStringLiteral("theme")), tr("Theme"));
  themeGroup_ = new QActionGroup(this);
  for (const auto& [mode, name] : {std::pair{ThemeMode::System, tr("Theme: system")}, {ThemeMode::Light, tr("Theme: light")}, {ThemeMode::Dark, tr("Theme: dark")}}) {
    QAction* action = themes->addAction(name, this, [this, mode = mode] {
      settings_->setTheme(mode);
      theme_.apply(mode);
    });
    action->setCheckable(true);
    action->setChecked(settings_->theme() == mode);
    themeGroup_->addAction(action);
  }
  view->addSeparator();
  view->addAction(layoutAction_);
  QMenu* help = menuBar()->addMenu(tr("&Help"));
  help->addAction(pageActions_[Help]);
  help->addAction(paletteAction_);
  help_->setActions(findChildren<QAction*>());
}

void MainWindow::connectPages() {
  connect(modelsPage_, &ModelsPage::playgroundRequested, this, [this] { showPage(Playground); });
  connect(modelsPage_, &ModelsPage::experimentRequested, this, [this] { showPage(Experiment); });
  connect(playground_, &PlaygroundPage::modelsRequested, this, [this] { showPage(Models); });
  connect(experiment_, &ExperimentPage::startRequested, this, &MainWindow::startSweep);
  connect(experiment_, &ExperimentPage::message, this, &MainWindow::say);
  connect(runs_, &RunsPage::compareRequested, this, [this] { showPage(Compare); });
  connect(runs_, &RunsPage::frontRequested, this, [this] { showPage(FrontOfRuns); });
  connect(runs_, &RunsPage::experimentRequested, this, [this] { showPage(Experiment); });
  connect(runs_, &RunsPage::message, this, &MainWindow::say);
  connect(front_, &FrontPage::runActivated, this, [this](std::int64_t run) { selection_->select({run}), showPage(Runs); });
  connect(front_, &FrontPage::experimentRequested, this, [this] { showPage(Experiment); });
  connect(front_, &FrontPage::message, this, &MainWindow::say);
  connect(compare_, &ComparePage::runsRequested, this, [this] { showPage(Runs); });
  connect(catalogue_.get(), &RunCatalogue::changed, this, [this] { storeRead_ = true; });
  connect(watcher_.get(), &StoreWatcher::failed, this, [this](const QString& why) {
    storeRead_ = true;
    say(why);
    if (isVisible() && !closeAnswer_) QMessageBox::warning(this, tr("The results file"), why);
  });
  connect(watcher_.get(), &StoreWatcher::opened, this, [this](const QStringList& notices) {
    if (!notices.isEmpty()) say(notices.join(QStringLiteral("; ")));
  });
  connect(models_.get(), &ModelService::busyChanged, this, [this](bool busy) { status_->setActivity(busy ? tr("Opening %1").arg(models_->opening()) : QString()); });
  connect(generation_.get(), &GenerationService::busyChanged, this, [this](bool busy) { status_->setActivity(busy ? tr("Generating") : QString()); });
  connect(sweeps_.get(), &SweepService::logged, this, &MainWindow::say);
  connect(sweeps_.get(), &SweepService::failed, this, [this](const QString& why) {
    say(why);
    QMessageBox::warning(this, tr("The sweep"), why);
  });
  connect(sweeps_.get(), &SweepService::finished, this, [this](const SweepProgress& p, bool cancelled) {
    say(cancelled ? tr("Sweep cancelled; %1 of %2 plans are measured, the rest can be continued").arg(p.done + p.reused).arg(p.plans)
                  : tr("Sweep finished: %1 measured, %2 reused, %3 refused, %4 failed, in %5").arg(p.done).arg(p.reused).arg(p.refused).arg(p.failed).arg(durationText(p.secondsElapsed)));
  });
  connect(detail_->toggleViewAction(), &QAction::triggered, this, [this](bool shown) { detailWanted_ = shown; });
}

void MainWindow::showPage(Page page) {
  stack_->setCurrentIndex(page);
  pageActions_[page]->setChecked(true);
  stack_->currentWidget()->setFocus();
  const bool about = page == Runs || page == FrontOfRuns;
  detail_->setVisible(about && detailWanted_.value_or(width() >= kRoomForDetail));
}

void MainWindow::openModel(const QString& source) { models_->open(source); }

bool MainWindow::readyForPictures() const { return storeRead_ && !models_->busy(); }

void MainWindow::restoreDefaultLayout() {
  detailWanted_.reset();
  restoreState(defaultLayout_, UserSettings::kLayoutVersion);
  showPage(static_cast<Page>(stack_->currentIndex()));
}

void MainWindow::openStore() {
  const QString path = QFileDialog::getSaveFileName(this, tr("Open or make a results file"), settings_->lastFolder(), tr("Results (*.tradespace *.db);;All files (*)"), nullptr,
                                                    QFileDialog::DontConfirmOverwrite);
  if (path.isEmpty()) return;
  // Another file is another window: nothing here has to be swapped under a running sweep.
  if (!QProcess::startDetached(QCoreApplication::applicationFilePath(), {QStringLiteral("--store"), path})) say(tr("A second window could not be started"));
}

void MainWindow::say(const QString& message) { statusBar()->showMessage(message, 8000); }

void MainWindow::startSweep(const std::string& json) {
  auto sweep = parseSweep(json, "this sweep");
  if (!sweep) return say(text(sweep.error().message));
  sweeps_->start(std::move(*sweep), {.store = watcher_->path()});
  showPage(Runs);
}

bool MainWindow::mayClose() {
  if (!sweeps_->running()) return true;
  if (closeAnswer_) return *closeAnswer_;
  const auto answer = QMessageBox::question(this, tr("A sweep is running"),
                                            tr("Close and cancel the sweep? What was measured is kept; started again, the sweep continues where it stopped."),
                                            QMessageBox::Close | QMessageBox::Cancel, QMessageBox::Cancel);
  return answer == QMessageBox::Close;
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (!mayClose()) return event->ignore();
  settings_->setLayout(saveGeometry(), saveState(UserSettings::kLayoutVersion));
  generation_->stop();
  sweeps_->cancel();
  event->accept();
}

}  // namespace ts
