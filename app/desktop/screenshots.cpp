// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/desktop/screenshots.h"

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QTimer>
#include <memory>

#include "widgets/base/selection.h"
#include "widgets/pages/playground_page.h"
#include "widgets/runs/catalogue.h"
#include "widgets/services/generation_service.h"
#include "widgets/services/model_service.h"
#include "widgets/shell/main_window.h"

namespace ts {
namespace {

/// The steps of one series of pictures; lives until the program ends.
class Photographer : public QObject {
 public:
  Photographer(MainWindow& window, QString folder) : QObject(&window), window_(window), folder_(std::move(folder)) {
    clock_.start();
    connect(&timer_, &QTimer::timeout, this, &Photographer::step);
    timer_.start(120);
  }

 private:
  void step() {
    if (!window_.readyForPictures() && clock_.elapsed() < 60'000) return;
    if (!std::exchange(prepared_, true)) return prepare();
    if (window_.generation().busy() && clock_.elapsed() < 60'000) return;
    if (page_ == MainWindow::PageCount) return QApplication::exit(failed_ ? 1 : 0);
    const auto page = static_cast<MainWindow::Page>(page_);
    if (settling_ == 0) window_.showPage(page);
    if (++settling_ < kSettling) return;
    settling_ = 0;
    ++page_;
    failed_ |= !window_.grab().save(QDir(folder_).filePath(MainWindow::pageName(page) + QStringLiteral(".png")));
  }

  /// Pages show most when something is selected and something was generated.
  void prepare() {
    const auto& runs = window_.catalogue().runs();
    QList<std::int64_t> chosen;
    for (const RunRecord& run : runs)
      if (run.state == RunState::Done && chosen.size() < 3) chosen << run.id;
    window_.selection().select(chosen);
    if (!window_.models().current()) return;
    window_.playground().setTokens(64);
    window_.playground().generate();
  }

  static constexpr int kSettling = 6;  ///< steps a page has to lay itself out and draw its chart
  MainWindow& window_;
  QString folder_;
  QTimer timer_;
  QElapsedTimer clock_;
  int page_ = 0;
  int settling_ = 0;  ///< steps since the page was shown
  bool prepared_ = false, failed_ = false;
};

}  // namespace

void takeScreenshots(MainWindow& window, const QString& folder, QSize size) {
  QDir().mkpath(folder);
  if (size.isValid()) window.resize(size);
  new Photographer(window, folder);
}

}  // namespace ts
