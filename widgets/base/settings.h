// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QObject>
#include <QString>
#include <QStringList>

#include "widgets/base/theme.h"

namespace ts {

/// What the program remembers between starts, one typed getter and setter a value. Stored through QSettings under a
/// version, so that a later program can upgrade it step by step.
class UserSettings : public QObject {
  Q_OBJECT
 public:
  static constexpr int kVersion = 1;
  static constexpr int kLayoutVersion = 1;  ///< raise when docks change: an old layout is then ignored
  static constexpr int kRecentLimit = 12;

  explicit UserSettings(QObject* parent = nullptr);

  ThemeMode theme() const;
  void setTheme(ThemeMode theme);

  QStringList recentModels() const;  ///< newest first; paths that vanished are kept and said to be missing
  void addRecentModel(const QString& path);
  void removeRecentModel(const QString& path);
  QString lastFolder() const;
  void setLastFolder(const QString& folder);

  QByteArray geometry() const;
  QByteArray layout() const;
  void setLayout(const QByteArray& geometry, const QByteArray& layout);

  QStringList runColumns() const;  ///< keys of the shown columns; empty: the default ones
  void setRunColumns(const QStringList& columns);

 Q_SIGNALS:
  void themeChanged(ts::ThemeMode theme);
  void recentModelsChanged();
};

}  // namespace ts
