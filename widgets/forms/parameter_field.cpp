// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/parameter_field.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QToolButton>
#include <cmath>

#include "widgets/base/icons.h"
#include "widgets/base/layout.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/forms/family_text.h"

namespace ts {
namespace {

/// C locale, as in sweep files.
QString plain(double v) { return QString::number(v, 'g', 6); }

QString optionText(const Parameter& p, const QString& value) {
  if (p.type == ParameterType::Boolean) return value == QStringLiteral("true") ? QObject::tr("yes") : QObject::tr("no");
  return value;
}

}  // namespace

ParameterField::ParameterField(Parameter parameter, Kind kind, QWidget* parent) : QWidget(parent), parameter_(std::move(parameter)), kind_(kind) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(space::kTight + 1);
  const QString name = text(parameter_.name).replace(QLatin1Char('_'), QLatin1Char(' '));
  QLabel* label = mutedLabel(name);
  label->setWordWrap(false);
  row->addWidget(label);
  const QString help = text(parameter_.help) + QLatin1Char('\n') + parameterRange(parameter_);
  setToolTip(help);
  const QStringList options = choices();
  const QString fallback = text(toText(parameter_.fallback));
  if (kind_ == Kind::Value && !options.isEmpty()) {
    box_ = new QComboBox;
    for (const QString& option : options) box_->addItem(option == fallback ? optionText(parameter_, option) : optionText(parameter_, option), option);
    box_->setCurrentIndex(std::max(0, box_->findData(fallback)));
    connect(box_, &QComboBox::currentIndexChanged, this, &ParameterField::changed);
    label->setBuddy(box_);
    row->addWidget(box_);
  } else {
    edit_ = new QLineEdit;
    edit_->setPlaceholderText(fallback.isEmpty() ? tr("none") : fallback);
    const bool words = parameter_.type == ParameterType::Text;
    const int letters = words ? 22 : kind_ == Kind::Axis ? 13 : 7;
    edit_->setFixedWidth(fontMetrics().averageCharWidth() * letters + 18);
    connect(edit_, &QLineEdit::textChanged, this, [this] { check(), Q_EMIT changed(); });
    label->setBuddy(edit_);
    row->addWidget(edit_);
    if (kind_ == Kind::Axis) makeMenu();
  }
  QWidget* field = box_ ? static_cast<QWidget*>(box_) : edit_;
  field->setAccessibleName(name);
  field->setAccessibleDescription(help);
  if (!parameter_.unit.empty() && parameter_.unit != "fraction" && kind_ == Kind::Value) {
    QLabel* unit = mutedLabel(text(parameter_.unit));
    unit->setWordWrap(false);
    row->addWidget(unit);
  }
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

QStringList ParameterField::choices() const {
  QStringList options;
  if (parameter_.type == ParameterType::Boolean) return {QStringLiteral("false"), QStringLiteral("true")};
  if (parameter_.type == ParameterType::Choice)
    for (const std::string& choice : parameter_.choices) options << text(choice);
  if (parameter_.type == ParameterType::Strategy)
    for (const Strategy* strategy : registry().ofFamily(parameter_.family)) options << text(strategy->descriptor.id);
  return options;
}

void ParameterField::makeMenu() {
  auto* button = new QToolButton;
  button->setIcon(icon(QStringLiteral("plus")));
  button->setAutoRaise(true);
  button->setToolTip(tr("Vary this parameter"));
  button->setAccessibleName(tr("Vary %1").arg(text(parameter_.name)));
  button->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(button);
  const auto offer = [&](const QString& label, const QString& value) {
    menu->addAction(label, this, [this, value] { edit_->setText(value); });
  };
  const QStringList options = choices();
  if (!options.isEmpty()) {
    for (const QString& option : options) offer(optionText(parameter_, option), option);
    menu->addSeparator();
    offer(tr("all: %1").arg(options.join(QLatin1Char('|'))), options.join(QLatin1Char('|')));
  } else if (parameter_.minimum && parameter_.maximum) {
    const double low = *parameter_.minimum, high = *parameter_.maximum;
    const auto range = [&](double a, double b, int n) { return QStringLiteral("%1..%2/%3").arg(plain(a), plain(b)).arg(n); };
    if (parameter_.type == ParameterType::Integer && high - low < 9) {
      QStringList all;
      for (double v = low; v <= high; ++v) all << plain(v);
      offer(all.join(QLatin1Char('|')), all.join(QLatin1Char('|')));
    }
    for (const int n : {3, 5}) offer(tr("%1 values over the whole range").arg(n), range(low, high, n));
  }
  double middle = 0;
  if (const auto* i = std::get_if<std::int64_t>(&parameter_.fallback)) middle = static_cast<double>(*i);
  if (const auto* r = std::get_if<double>(&parameter_.fallback)) middle = *r;
  if (options.isEmpty() && middle > 0 && parameter_.type != ParameterType::Text) {
    QStringList around;
    for (const double f : {0.5, 1.0, 2.0}) {
      const double v = parameter_.type == ParameterType::Integer ? std::round(middle * f) : middle * f;
      if ((!parameter_.minimum || v >= *parameter_.minimum) && (!parameter_.maximum || v <= *parameter_.maximum)) around << plain(v);
    }
    if (around.size() > 1) offer(tr("around the default: %1").arg(around.join(QLatin1Char('|'))), around.join(QLatin1Char('|')));
  }
  menu->addSeparator();
  offer(tr("the default"), {});
  button->setMenu(menu);
  layout()->addWidget(button);
}

std::string ParameterField::value() const {
  if (!box_) return utf8(edit_->text().trimmed());
  const QString chosen = box_->currentData().toString();
  return chosen == text(toText(parameter_.fallback)) ? std::string() : utf8(chosen);
}

void ParameterField::setValue(const std::string& value) {
  if (box_) {
    const int index = box_->findData(value.empty() ? text(toText(parameter_.fallback)) : text(value));
    box_->setCurrentIndex(std::max(0, index));
  } else {
    edit_->setText(text(value));
    check();
  }
}

QString ParameterField::problemOf(const QString& one) const {
  const QString allowed = parameterRange(parameter_);
  const QStringList options = choices();
  if (!options.isEmpty()) return options.contains(one) ? QString() : tr("“%1” is none of: %2").arg(one, options.join(QStringLiteral(", ")));
  if (parameter_.type == ParameterType::Text) return {};
  bool number = false;
  const double v = QLocale::c().toDouble(one, &number);
  if (!number) return tr("“%1” is not a number (%2)").arg(one, allowed);
  if (parameter_.type == ParameterType::Integer && v != std::floor(v)) return tr("“%1” is not a whole number").arg(one);
  if ((parameter_.minimum && v < *parameter_.minimum) || (parameter_.maximum && v > *parameter_.maximum)) return tr("%1 is outside: %2").arg(one, allowed);
  return {};
}

QString ParameterField::problem() const {
  if (box_ || edit_->text().trimmed().isEmpty()) return {};
  const QString written = edit_->text().trimmed();
  if (kind_ == Kind::Value) return problemOf(written);
  for (const QString& part : written.split(QLatin1Char('|'))) {
    const QString one = part.trimmed();
    const int dots = static_cast<int>(one.indexOf(QStringLiteral("..")));
    const bool numeric = parameter_.type == ParameterType::Integer || parameter_.type == ParameterType::Real;
    if (dots < 0 || !numeric) {
      if (const QString why = problemOf(one); !why.isEmpty()) return why;
      continue;
    }
    const int slash = static_cast<int>(one.indexOf(QLatin1Char('/'), dots));
    bool count = false;
    const int n = slash < 0 ? 0 : one.mid(slash + 1).toInt(&count);
    if (!count || n < 2) return tr("a range is written lo..hi/n with n of at least 2, such as 0.1..0.5/5");
    for (const QString& end : {one.left(dots), one.mid(dots + 2, slash - dots - 2)})
      if (const QString why = problemOf(end.trimmed()); !why.isEmpty()) return why;
  }
  return {};
}

void ParameterField::check() {
  const QString why = problem();
  QPalette colours;  // the application's, so that a theme change keeps working
  if (!why.isEmpty()) colours.setColor(QPalette::Text, toneColour(Tone::Bad, palette()));
  edit_->setPalette(why.isEmpty() ? QPalette() : colours);
  edit_->setToolTip(why.isEmpty() ? toolTip() : why);
  const auto marks = edit_->actions();
  if (!why.isEmpty() && marks.isEmpty()) edit_->addAction(icon(QStringLiteral("warning"), toneColour(Tone::Bad, palette())), QLineEdit::TrailingPosition);
  if (why.isEmpty())
    for (QAction* mark : marks) edit_->removeAction(mark);
}

}  // namespace ts
