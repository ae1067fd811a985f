// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/base/selection.h"

namespace ts {

void RunSelection::select(QList<std::int64_t> runs) {
  if (runs == selected_) return;
  selected_ = std::move(runs);
  Q_EMIT changed();
}

void RunSelection::toggle(std::int64_t run) {
  QList<std::int64_t> runs = selected_;
  if (!runs.removeOne(run)) runs.append(run);
  select(std::move(runs));
}

void RunSelection::setBaseline(std::int64_t run) {
  if (run == baseline_) return;
  baseline_ = run;
  Q_EMIT baselineChanged(run);
}

}  // namespace ts
