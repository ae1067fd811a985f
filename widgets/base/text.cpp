// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/text.h"

#include <QCoreApplication>
#include <QLocale>
#include <cmath>

namespace ts {
namespace {

QString scaled(double value, double step, std::initializer_list<const char*> units) {
  auto unit = units.begin();
  while (std::abs(value) >= step * 0.9995 && unit + 1 != units.end()) value /= step, ++unit;
  const int decimals = unit == units.begin() || std::abs(value) >= 100 ? 0 : std::abs(value) >= 10 ? 1 : 2;
  const QString number = QLocale().toString(value, 'f', decimals);
  return **unit ? number + QChar(0x00a0) + QString::fromLatin1(*unit) : number;
}

}  // namespace

QString bytesText(double bytes) { return scaled(bytes, 1000, {"B", "kB", "MB", "GB", "TB"}); }
QString countText(double count) { return scaled(count, 1000, {"", "k", "M", "G", "T"}); }

QString durationText(double seconds) {
  if (!(seconds >= 0)) return missing();
  const auto tr = [](const char* s) { return QCoreApplication::translate("ts::text", s); };
  if (seconds < 10) return tr("%1 s").arg(QLocale().toString(seconds, 'f', 1));
  const auto whole = static_cast<qint64>(std::llround(seconds));
  if (whole < 60) return tr("%1 s").arg(whole);
  if (whole < 3600) return tr("%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, QLatin1Char('0'));
  return tr("%1 h %2 min").arg(whole / 3600).arg(whole / 60 % 60, 2, 10, QLatin1Char('0'));
}

QString numberText(double value, int significant) {
  if (!std::isfinite(value)) return missing();
  if (value == 0) return QLocale().toString(0);
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  if (magnitude < -4 || magnitude > 8) return QLocale().toString(value, 'e', significant - 1);
  const int decimals = std::clamp(significant - 1 - magnitude, 0, 8);
  QString text = QLocale().toString(value, 'f', decimals);
  const QString point = QLocale().decimalPoint();
  if (text.contains(point)) {
    while (text.endsWith(QLatin1Char('0'))) text.chop(1);
    if (text.endsWith(point)) text.chop(point.size());
  }
  return text;
}

QString withErrorText(double value, double error) {
  if (!(error > 0) || !std::isfinite(error)) return numberText(value);
  const int decimals = std::clamp(1 - static_cast<int>(std::floor(std::log10(error))), 0, 6);
  return QLocale().toString(value, 'f', decimals) + QStringLiteral(" ± ") + QLocale().toString(error, 'f', decimals);
}

}  // namespace ts
