// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>
#include <QString>

namespace ts {

/// A line icon of resources/icons by name ("open"), drawn in the palette's text colour of the moment, so it follows the
/// theme and the state of the button it is on.
QIcon icon(const QString& name);
QIcon icon(const QString& name, const QColor& fixed);

}  // namespace ts
