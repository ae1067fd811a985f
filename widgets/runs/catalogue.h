// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "experiments/store/records.h"

namespace ts {

/// The runs of the open store as every view sees them: an immutable snapshot, replaced as a whole when the store changes.
/// Whoever owns the store feeds it and carries out the edits.
class RunCatalogue : public QObject {
  Q_OBJECT
 public:
  using Snapshot = std::shared_ptr<const std::vector<RunRecord>>;
  explicit RunCatalogue(QObject* parent = nullptr);

  const std::vector<RunRecord>& runs() const { return *runs_; }
  Snapshot snapshot() const { return runs_; }
  const RunRecord* find(std::int64_t id) const;
  void set(std::vector<RunRecord> runs);  ///< sorts by id

 Q_SIGNALS:
  void changed();
  void noteEdited(std::int64_t run, const QString& note);
  void archiveRequested(std::int64_t run, bool archived);

 private:
  Snapshot runs_;
};

}  // namespace ts
