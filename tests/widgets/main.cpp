// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QApplication>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>

#include "widgets/base/plurals.h"
#include "widgets/base/theme.h"

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  testing::InitGoogleTest(&argc, argv);
  QStandardPaths::setTestModeEnabled(true);
  QSettings::setDefaultFormat(QSettings::IniFormat);
  const QTemporaryDir own;  // tests run side by side, and one would clear what another has just remembered
  QSettings::setPath(QSettings::IniFormat, QSettings::UserScope, own.path());
  QApplication application(argc, argv);
  QApplication::setOrganizationName(QStringLiteral("tradespace-test"));
  QApplication::setApplicationName(QStringLiteral("test_widgets"));
  ts::EnglishPlurals plurals;
  QCoreApplication::installTranslator(&plurals);
  ts::Theme theme;
  theme.apply(ts::ThemeMode::Light);
  return RUN_ALL_TESTS();
}
