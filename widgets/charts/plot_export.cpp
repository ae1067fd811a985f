// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/charts/plot_export.h"

#include <QBuffer>
#include <QImage>
#include <QPageLayout>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>

#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/charts/plot_view.h"

namespace ts {
namespace {

QByteArray png(PlotView& view, QSize size) {
  QImage image(size * 2, QImage::Format_RGB32);
  image.setDevicePixelRatio(2);
  image.fill(view.palette().color(QPalette::Base));
  {
    QPainter painter(&image);
    painter.setRenderHint(QPainter::Antialiasing);
    view.render(painter, QRectF(QPointF(), QSizeF(size)));
  }
  QByteArray bytes;
  QBuffer buffer(&bytes);
  image.save(&buffer, "PNG");
  return bytes;
}

QByteArray svg(PlotView& view, QSize size, const QString& title, const QString& summary) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setSize(size);
  generator.setViewBox(QRect(QPoint(), size));
  generator.setTitle(title);
  generator.setDescription(summary);
  QPainter painter(&generator);
  painter.fillRect(QRect(QPoint(), size), view.palette().color(QPalette::Base));
  view.render(painter, QRectF(QPointF(), QSizeF(size)));
  painter.end();
  return bytes;
}

QByteArray pdf(PlotView& view, const QString& title) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  QPdfWriter writer(&buffer);
  writer.setPageSize(QPageSize(QPageSize::A4));
  writer.setPageOrientation(QPageLayout::Landscape);
  writer.setPageMargins(QMarginsF(12, 12, 12, 12), QPageLayout::Millimeter);
  writer.setResolution(300);
  writer.setTitle(title);
  QPainter painter(&writer);
  const QRectF page(QPointF(), writer.pageLayout().paintRectPixels(writer.resolution()).size());
  QSizeF fitted = QSizeF(view.size()).scaled(page.size(), Qt::KeepAspectRatio);
  view.render(painter, QRectF(QPointF((page.width() - fitted.width()) / 2, 0), fitted));
  painter.end();
  return bytes;
}

}  // namespace

Result<void> writeFile(const QString& path, const QByteArray& bytes) {
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
    return fail(ErrorKind::Io, "cannot write the file: " + utf8(file.errorString()), utf8(path));
  return {};
}

QString csvField(QString field) {
  if (!field.contains(QLatin1Char(',')) && !field.contains(QLatin1Char('"')) && !field.contains(QLatin1Char('\n')) && !field.contains(QLatin1Char('\r')))
    return field;
  return QLatin1Char('"') + field.replace(QLatin1Char('"'), QStringLiteral("\"\"")) + QLatin1Char('"');
}

QByteArray plotCsv(const PlotData& data, const QString& xName, const QString& yName) {
  const QLocale c = QLocale::c();
  const auto number = [&](double v) { return c.toString(v, 'g', 12); };
  QStringList header{QStringLiteral("run"), QStringLiteral("plan"), QStringLiteral("technique"), xName, xName + QStringLiteral(" error"),
                     yName, yName + QStringLiteral(" error"), QStringLiteral("on_front"), QStringLiteral("within_limits")};
  for (QString& h : header) h = csvField(h);
  QString out = header.join(QLatin1Char(',')) + QStringLiteral("\r\n");
  for (const PlotPoint& p : data.points)
    out += QStringList{QString::number(p.id), csvField(p.label), csvField(data.series.value(p.series).title), number(p.x), number(p.xError),
                       number(p.y), number(p.yError), QString::number(p.onFront), QString::number(p.feasible)}.join(QLatin1Char(',')) +
           QStringLiteral("\r\n");
  return out.toUtf8();
}

Result<void> exportPlot(const PlotData& data, const QString& path, const QString& title, const QString& summary, QSize size) {
  const QString ending = path.section(QLatin1Char('.'), -1).toLower();
  if (ending == QStringLiteral("csv")) return writeFile(path, plotCsv(data, data.x.title, data.y.title));
  PlotView view;
  view.setPalette(Theme::light());
  view.resize(size);
  view.setAttribute(Qt::WA_DontShowOnScreen);
  view.show();  // the scene takes its size from a shown view
  view.setData(data);
  view.flush();
  if (ending == QStringLiteral("png")) return writeFile(path, png(view, size));
  if (ending == QStringLiteral("svg")) return writeFile(path, svg(view, size, title, summary));
  if (ending == QStringLiteral("pdf")) return writeFile(path, pdf(view, title));
  return fail("cannot tell the format of the picture: the name must end in .png, .svg, .pdf or .csv", utf8(path));
}

}  // namespace ts
