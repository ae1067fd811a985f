// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/plurals.h"

namespace ts {

QString EnglishPlurals::translate(const char*, const char* source, const char*, int n) const {
  if (n < 0) return {};
  const QString words = QString::fromUtf8(source);
  if (!words.contains(QStringLiteral("(s)"))) return {};
  return QString(words).replace(QStringLiteral("(s)"), n == 1 ? QString() : QStringLiteral("s"));
}

}  // namespace ts
