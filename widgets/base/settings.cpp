// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/settings.h"

#include <QSettings>

namespace ts {
namespace {

template <class T>
T read(const char* key, const T& fallback = {}) {
  return QSettings().value(QLatin1String(key), QVariant::fromValue(fallback)).template value<T>();
}
template <class T>
void write(const char* key, const T& value) {
  QSettings().setValue(QLatin1String(key), QVariant::fromValue(value));
}

}  // namespace

UserSettings::UserSettings(QObject* parent) : QObject(parent) { write("version", kVersion); }

ThemeMode UserSettings::theme() const {
  const QString name = read<QString>("theme");
  return name == QStringLiteral("light") ? ThemeMode::Light : name == QStringLiteral("dark") ? ThemeMode::Dark : ThemeMode::System;
}

void UserSettings::setTheme(ThemeMode theme) {
  static const char* const names[] = {"system", "light", "dark"};
  write("theme", QString::fromLatin1(names[static_cast<int>(theme)]));
  Q_EMIT themeChanged(theme);
}

QStringList UserSettings::recentModels() const { return read<QStringList>("recent_models"); }

void UserSettings::addRecentModel(const QString& path) {
  QStringList recent = recentModels();
  recent.removeAll(path);
  recent.prepend(path);
  while (recent.size() > kRecentLimit) recent.removeLast();
  write("recent_models", recent);
  Q_EMIT recentModelsChanged();
}

void UserSettings::removeRecentModel(const QString& path) {
  QStringList recent = recentModels();
  recent.removeAll(path);
  write("recent_models", recent);
  Q_EMIT recentModelsChanged();
}

QString UserSettings::lastFolder() const { return read<QString>("last_folder"); }
void UserSettings::setLastFolder(const QString& folder) { write("last_folder", folder); }

QByteArray UserSettings::geometry() const { return read<QByteArray>("geometry"); }
QByteArray UserSettings::layout() const { return read<QByteArray>("layout"); }
void UserSettings::setLayout(const QByteArray& geometry, const QByteArray& layout) {
  write("geometry", geometry);
  write("layout", layout);
}

QStringList UserSettings::runColumns() const { return read<QStringList>("run_columns"); }
void UserSettings::setRunColumns(const QStringList& columns) { write("run_columns", columns); }

}  // namespace ts
