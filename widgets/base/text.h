// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <string>
#include <string_view>

namespace ts {

inline QString text(std::string_view utf8) { return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size())); }
inline std::string utf8(const QString& text) { return text.toStdString(); }

/// A dash: what every view shows for a value that does not exist. Never 0.
inline QString missing() { return QStringLiteral("–"); }

// Numbers as people read them, in the user's locale. Only views call these; files use QLocale::c().
QString bytesText(double bytes);              ///< "35.4 MB" (powers of ten, as the constraints of a sweep are written)
QString countText(double count);              ///< "16.1 M"
QString durationText(double seconds);         ///< "48 s", "3 min 20 s", "2 h 05 min"
QString numberText(double value, int significant = 4);
/// "14.42 ± 0.31": the error decides how many digits the value shows.
QString withErrorText(double value, double error);

}  // namespace ts
