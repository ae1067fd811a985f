// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSize>
#include <QString>

#include "engine/core/result.h"
#include "widgets/charts/plot_data.h"

namespace ts {

/// Writes the chart, in the light theme and a fixed size whatever the window looks like; the format is the file's ending:
/// .png (twice the size), .svg, .pdf (landscape A4) or .csv (the points). A full disk leaves nothing half-written.
Result<void> exportPlot(const PlotData& data, const QString& path, const QString& title, const QString& summary, QSize size = {1100, 720});

/// The points as CSV (RFC 4180, UTF-8, C locale): run, label, series, x, x error, y, y error, on front, feasible.
QByteArray plotCsv(const PlotData& data, const QString& xName, const QString& yName);

/// One field of a CSV file, quoted where RFC 4180 wants it.
QString csvField(QString field);

/// Writes bytes through a temporary file.
Result<void> writeFile(const QString& path, const QByteArray& bytes);

}  // namespace ts
