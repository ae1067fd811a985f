// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "widgets/models/summary.h"

namespace ts {

/// A forecast as one stacked bar with its legend: weights, key/value rows, scratch.
class MemoryBar : public QWidget {
  Q_OBJECT
 public:
  explicit MemoryBar(QWidget* parent = nullptr);
  void set(const MemoryForecast& forecast);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return {200, sizeHint().height()}; }

 protected:
  void paintEvent(QPaintEvent*) override;

 private:
  MemoryForecast forecast_;
};

}  // namespace ts
