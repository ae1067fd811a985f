// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/theme.h"

#include <QApplication>

#include "widgets/base/style.h"

namespace ts {
namespace {

struct Shades {
  QRgb window, base, alternate, button, text, muted, border, highlight, highlightedText, link, toolTip;
};

QPalette make(const Shades& s) {
  QPalette p;
  const auto all = [&](QPalette::ColorRole role, QRgb colour) { p.setColor(role, QColor(colour)); };
  all(QPalette::Window, s.window);
  all(QPalette::WindowText, s.text);
  all(QPalette::Base, s.base);
  all(QPalette::AlternateBase, s.alternate);
  all(QPalette::Text, s.text);
  all(QPalette::Button, s.button);
  all(QPalette::ButtonText, s.text);
  all(QPalette::BrightText, 0xffffffff);
  all(QPalette::PlaceholderText, s.muted);
  all(QPalette::Mid, s.border);
  all(QPalette::Midlight, s.alternate);
  all(QPalette::Light, s.base);
  p.setColor(QPalette::Dark, QColor(s.border).darker(130));
  p.setColor(QPalette::Shadow, QColor(0, 0, 0, 90));
  all(QPalette::Highlight, s.highlight);
  all(QPalette::HighlightedText, s.highlightedText);
  all(QPalette::Link, s.link);
  all(QPalette::LinkVisited, s.link);
  all(QPalette::ToolTipBase, s.toolTip);
  all(QPalette::ToolTipText, s.text);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::HighlightedText}) {
    QColor faded(s.muted);
    faded.setAlpha(150);
    p.setColor(QPalette::Disabled, role, faded);
  }
  p.setColor(QPalette::Disabled, QPalette::Highlight, QColor(s.border));
  p.setColor(QPalette::Disabled, QPalette::Base, QColor(s.window));
  return p;
}

}  // namespace

QPalette Theme::light() {
  return make({0xfff4f5f7, 0xffffffff, 0xfff0f2f5, 0xfffbfbfc, 0xff1b2027, 0xff626c7a, 0xffd3d8df, 0xff0072b2, 0xffffffff,
               0xff005f99, 0xffffffff});
}

QPalette Theme::dark() {
  return make({0xff1d2025, 0xff15171b, 0xff1f2329, 0xff2a2e35, 0xffe4e7eb, 0xff98a2af, 0xff3a4049, 0xff2f86c5, 0xffffffff,
               0xff6cbcf0, 0xff2a2e35});
}

Theme::Theme(QObject* parent) : QObject(parent), system_(QGuiApplication::palette()) {}

void Theme::apply(ThemeMode mode) {
  mode_ = mode;
  if (!qobject_cast<Style*>(QApplication::style())) QApplication::setStyle(new Style);
  const bool wantDark = mode == ThemeMode::Dark || (mode == ThemeMode::System && isDark(system_));
  QApplication::setPalette(wantDark ? dark() : light());
}

bool isDark(const QPalette& palette) {
  return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}
QColor mutedText(const QPalette& palette) { return palette.color(QPalette::PlaceholderText); }
QColor borderColour(const QPalette& palette) { return palette.color(QPalette::Mid); }

QColor seriesColour(int index, const QPalette& palette) {
  static constexpr QRgb onLight[] = {0xff4b5563, 0xff0072b2, 0xffd55e00, 0xff009e73, 0xffcc79a7, 0xffe69f00, 0xff56b4e9, 0xffb8a800};
  static constexpr QRgb onDark[] = {0xffb4bcc8, 0xff3d9fe0, 0xfff07a2b, 0xff18c093, 0xffde93bc, 0xfff0b429, 0xff7cc9f5, 0xfff0e442};
  const auto i = static_cast<std::size_t>(index % kSeriesColours);
  return QColor(isDark(palette) ? onDark[i] : onLight[i]);
}

QColor toneColour(Tone tone, const QPalette& palette) {
  switch (tone) {
    case Tone::Good: return seriesColour(3, palette);
    case Tone::Busy: return seriesColour(1, palette);
    case Tone::Warning: return seriesColour(5, palette);
    case Tone::Bad: return seriesColour(2, palette);
    case Tone::Neutral: break;
  }
  return mutedText(palette);
}

}  // namespace ts
