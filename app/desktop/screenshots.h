// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSize>
#include <QString>

namespace ts {

class MainWindow;

/// Waits until everything asked for is loaded, writes a picture of every page to `folder` (PAGE.png) and quits the program:
/// status 0, or 1 when a picture could not be written.
void takeScreenshots(MainWindow& window, const QString& folder, QSize size);

}  // namespace ts
