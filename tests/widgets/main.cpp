// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QApplication>
#include <QSettings>
#include <QStandardPaths>

#include "widgets/base/plurals.h"
#include "widgets/base/theme.h"

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  testing::InitGoogleTest(&argc, argv);
  QStandardPaths::setTestModeEnabled(true);
  QSettings::setDefaultFormat(QSettings::IniFormat);
  QApplication application(argc, argv);
  QApplication::setOrganizationName(QStringLiteral("tradespace-test"));
  QApplication::setApplicationName(QStringLiteral("test_widgets"));
  QSettings().clear();
  ts::EnglishPlurals plurals;
  QCoreApplication::installTranslator(&plurals);
  ts::Theme theme;
  theme.apply(ts::ThemeMode::Light);
  return RUN_ALL_TESTS();
}
