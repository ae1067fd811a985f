// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/family_text.h"

#include <QCoreApplication>
#include <QStringList>

#include "widgets/base/text.h"

namespace ts {
namespace {
QString tr(const char* words) { return QCoreApplication::translate("ts::family", words); }
}  // namespace

QString familyTitle(Family family) {
  switch (family) {
    case Family::Weights: return tr("Weights");
    case Family::KeyValue: return tr("KV cache");
    case Family::Decoding: return tr("Decoding");
    case Family::Drafter: return tr("Drafters");
    case Family::Sampling: return tr("Sampling");
    case Family::Search: return tr("Search");
  }
  return {};
}

QString familyHelp(Family family) {
  switch (family) {
    case Family::Weights: return tr("What is done to the weights before the model runs; applied in order.");
    case Family::KeyValue: return tr("How key/value rows are stored, and which of them are kept.");
    case Family::Decoding: return tr("How the next tokens are chosen.");
    case Family::Drafter: return tr("Who proposes tokens for speculative decoding.");
    case Family::Sampling: return tr("Filters on the candidates of the next token; applied in order.");
    case Family::Search: return tr("What looks at several continuations and takes the best.");
  }
  return {};
}

QString parameterRange(const Parameter& p) {
  QStringList words;
  switch (p.type) {
    case ParameterType::Boolean: words << tr("yes or no"); break;
    case ParameterType::Choice: {
      QStringList choices;
      for (const auto& c : p.choices) choices << text(c);
      words << tr("one of %1").arg(choices.join(QStringLiteral(", ")));
      break;
    }
    case ParameterType::Strategy: words << tr("a strategy of %1").arg(familyTitle(p.family).toLower()); break;
    case ParameterType::Text: words << tr("text"); break;
    case ParameterType::Integer:
    case ParameterType::Real:
      if (p.minimum && p.maximum) words << tr("%1 to %2").arg(numberText(*p.minimum), numberText(*p.maximum));
      else if (p.minimum) words << tr("from %1").arg(numberText(*p.minimum));
      else if (p.maximum) words << tr("up to %1").arg(numberText(*p.maximum));
      else words << (p.type == ParameterType::Integer ? tr("whole number") : tr("number"));
      break;
  }
  const QString fallback = text(toText(p.fallback));
  if (!fallback.isEmpty()) words << tr("default %1").arg(fallback);
  QString line = words.join(QStringLiteral(", "));
  if (!p.unit.empty()) line += QStringLiteral(" (%1)").arg(text(p.unit));
  return line;
}

}  // namespace ts
