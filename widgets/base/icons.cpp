// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/icons.h"

#include <QApplication>
#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QPixmap>
#include <QSvgRenderer>
#include <optional>

namespace ts {
namespace {

class LineIcon final : public QIconEngine {
 public:
  LineIcon(QByteArray source, std::optional<QColor> fixed) : source_(std::move(source)), fixed_(fixed) {}

  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
    QByteArray svg = source_;
    const QColor colour = fixed_ && mode != QIcon::Disabled && mode != QIcon::Selected ? *fixed_ : ink(mode);
    svg.replace("currentColor", colour.name().toLatin1());
    QSvgRenderer renderer(svg);
    painter->save();
    painter->setOpacity(painter->opacity() * colour.alphaF());
    const int side = std::min(rect.width(), rect.height());
    renderer.render(painter, QRectF(rect.x() + (rect.width() - side) / 2.0, rect.y() + (rect.height() - side) / 2.0, side, side));
    painter->restore();
  }
  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    return scaledPixmap(size, mode, state, 1.0);
  }
  QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State state, qreal) override {
    QPixmap pixmap(size);  // already in device pixels
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    paint(&painter, QRect(QPoint(), size), mode, state);
    return pixmap;
  }
  QIconEngine* clone() const override { return new LineIcon(*this); }

 private:
  static QColor ink(QIcon::Mode mode) {
    const QPalette palette = QGuiApplication::palette();
    if (mode == QIcon::Disabled) return palette.color(QPalette::Disabled, QPalette::ButtonText);
    if (mode == QIcon::Selected) return palette.color(QPalette::HighlightedText);
    return palette.color(QPalette::ButtonText);
  }
  QByteArray source_;
  std::optional<QColor> fixed_;
};

QIcon load(const QString& name, std::optional<QColor> fixed) {
  QFile file(QStringLiteral(":/icons/") + name + QStringLiteral(".svg"));
  const bool opened = file.open(QIODevice::ReadOnly);
  Q_ASSERT_X(opened, "ts::icon", qPrintable(name));
  return opened ? QIcon(new LineIcon(file.readAll(), fixed)) : QIcon();
}

}  // namespace

QIcon icon(const QString& name) { return load(name, std::nullopt); }
QIcon icon(const QString& name, const QColor& fixed) { return load(name, fixed); }

}  // namespace ts
