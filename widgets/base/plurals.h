// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTranslator>

namespace ts {

/// The program's texts are English with "(s)" where a count decides ("%n run(s)"); this makes "1 run", "2 runs" of them. A
/// real translation, installed later, comes first.
class EnglishPlurals : public QTranslator {
  Q_OBJECT
 public:
  using QTranslator::QTranslator;
  bool isEmpty() const override { return false; }
  QString translate(const char* context, const char* source, const char* disambiguation, int n) const override;
};

}  // namespace ts
