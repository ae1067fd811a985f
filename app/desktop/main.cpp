// SPDX-License-Identifier: GPL-3.0-or-later
// tradespace [MODEL | RESULTS] [--store FILE] [--page NAME] [--theme system|light|dark] [--size WxH] [--screenshot DIR]
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QMessageBox>
#include <QSettings>
#include <QStandardPaths>
#include <cstdio>
#include <exception>
#include <new>
#include <utility>

#include "app/desktop/screenshots.h"
#include "engine/core/version.h"
#include "widgets/base/plurals.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/shell/main_window.h"

namespace {

QString defaultStore() {
  const QString folder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
  QDir().mkpath(folder);
  return folder + QStringLiteral("/results.tradespace");
}

int usage(const QString& why) {
  std::fprintf(stderr, "tradespace: %s\n", qPrintable(why));
  return 2;
}

/// Qt ends a program whose event handlers throw. Nothing is lost by going on: what was measured is in the store.
class Application : public QApplication {
 public:
  using QApplication::QApplication;
  bool notify(QObject* receiver, QEvent* event) override {
    try {
      return QApplication::notify(receiver, event);
    } catch (const std::bad_alloc&) {
      tell(QObject::tr("Memory ran out. A smaller model or fewer workers may fit."));
    } catch (const std::exception& exception) {
      tell(QObject::tr("Something went wrong that should not: %1").arg(QString::fromUtf8(exception.what())));
    }
    return false;
  }

 private:
  void tell(const QString& what) {
    std::fprintf(stderr, "tradespace: %s\n", qPrintable(what));
    if (std::exchange(telling_, true)) return;
    QMessageBox::warning(activeWindow(), applicationDisplayName(), what);
    telling_ = false;
  }
  bool telling_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  Application application(argc, argv);
  QApplication::setOrganizationName(QStringLiteral("tradespace"));
  QApplication::setApplicationName(QStringLiteral("tradespace"));
  QApplication::setApplicationDisplayName(QStringLiteral("Tradespace"));
  QApplication::setApplicationVersion(ts::text(ts::engineVersion()));
  QGuiApplication::setDesktopFileName(QStringLiteral("org.tradespace.Tradespace"));

  ts::EnglishPlurals plurals;
  QCoreApplication::installTranslator(&plurals);

  QCommandLineParser parser;
  parser.setApplicationDescription(QStringLiteral("What does each way of making a language model cheaper cost, on this machine?"));
  parser.addHelpOption();
  parser.addVersionOption();
  const auto option = [&](const char* name, const char* help, const char* value) {
    parser.addOption(QCommandLineOption(QString::fromLatin1(name), QString::fromUtf8(help), QString::fromLatin1(value)));
  };
  option("store", "the file measured runs are kept in", "FILE");
  option("page", "the page to show: models, playground, experiment, runs, front, compare, help", "NAME");
  option("theme", "system, light or dark; for this start only", "NAME");
  option("size", "size of the window", "WxH");
  option("screenshot", "write a picture of every page to this folder and quit", "DIR");
  parser.addPositionalArgument(QStringLiteral("MODEL"), QStringLiteral("a GGUF file, a Hugging Face folder, embedded:NAME, or a results file"), QStringLiteral("[MODEL]"));
  parser.process(application);

  QString store = parser.value(QStringLiteral("store")), model = parser.positionalArguments().value(0);
  if (parser.positionalArguments().size() > 1) return usage(QStringLiteral("at most one model or results file"));
  if (ts::isStore(ts::utf8(model)) || model.endsWith(QStringLiteral(".tradespace"))) store = std::exchange(model, {});
  if (store.isEmpty()) store = defaultStore();

  int page = ts::MainWindow::Models;
  if (const QString wanted = parser.value(QStringLiteral("page")); !wanted.isEmpty()) {
    for (page = 0; page < ts::MainWindow::PageCount; ++page)
      if (ts::MainWindow::pageName(static_cast<ts::MainWindow::Page>(page)) == wanted) break;
    if (page == ts::MainWindow::PageCount) return usage(QStringLiteral("there is no page '%1'").arg(wanted));
  }
  QSize size;
  if (const QStringList sides = parser.value(QStringLiteral("size")).split(QLatin1Char('x')); sides.size() == 2) size = QSize(sides[0].toInt(), sides[1].toInt());

  const bool pictures = parser.isSet(QStringLiteral("screenshot"));
  if (pictures) {  // pictures do not depend on what a user has set, and leave no trace
    QStandardPaths::setTestModeEnabled(true);
    QSettings::setDefaultFormat(QSettings::IniFormat);
  }
  ts::Theme theme;
  ts::MainWindow window(std::filesystem::path(ts::utf8(store)), theme);
  if (const QString name = parser.value(QStringLiteral("theme")); !name.isEmpty())
    theme.apply(name == QStringLiteral("dark") ? ts::ThemeMode::Dark : name == QStringLiteral("light") ? ts::ThemeMode::Light : ts::ThemeMode::System);
  window.showPage(static_cast<ts::MainWindow::Page>(page));
  if (size.isValid()) window.resize(size);
  window.show();
  if (!model.isEmpty()) window.openModel(model);
  if (pictures) ts::takeScreenshots(window, parser.value(QStringLiteral("screenshot")), size);
  return QApplication::exec();
}
