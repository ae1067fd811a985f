// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/runs/catalogue.h"

#include <algorithm>

namespace ts {

RunCatalogue::RunCatalogue(QObject* parent) : QObject(parent), runs_(std::make_shared<std::vector<RunRecord>>()) {}

const RunRecord* RunCatalogue::find(std::int64_t id) const {
  const auto it = std::lower_bound(runs_->begin(), runs_->end(), id, [](const RunRecord& r, std::int64_t i) { return r.id < i; });
  return it != runs_->end() && it->id == id ? &*it : nullptr;
}

void RunCatalogue::set(std::vector<RunRecord> runs) {
  std::sort(runs.begin(), runs.end(), [](const RunRecord& a, const RunRecord& b) { return a.id < b.id; });
  runs_ = std::make_shared<const std::vector<RunRecord>>(std::move(runs));
  Q_EMIT changed();
}

}  // namespace ts
