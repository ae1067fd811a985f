// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QObject>
#include <QPalette>

namespace ts {

enum class ThemeMode { System, Light, Dark };

/// Fusion with a palette of our own. Widgets take every colour from the palette, so a change needs no restart.
class Theme : public QObject {
  Q_OBJECT
 public:
  explicit Theme(QObject* parent = nullptr);  ///< remembers the system's palette; make it before changing anything
  void apply(ThemeMode mode);
  ThemeMode mode() const { return mode_; }

  static QPalette light();
  static QPalette dark();

 private:
  QPalette system_;
  ThemeMode mode_ = ThemeMode::System;
};

bool isDark(const QPalette& palette);
QColor mutedText(const QPalette& palette);
QColor borderColour(const QPalette& palette);

/// Okabe and Ito's colours, told apart by readers with any colour vision; the order is the same everywhere, and every use
/// also has a shape or a word. Index 0 is neutral (the text colour).
QColor seriesColour(int index, const QPalette& palette);
inline constexpr int kSeriesColours = 8;

enum class Tone { Neutral, Good, Busy, Warning, Bad };
QColor toneColour(Tone tone, const QPalette& palette);

}  // namespace ts
