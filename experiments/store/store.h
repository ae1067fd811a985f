// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "experiments/store/records.h"

namespace ts {

/// The one SQLite file. WAL, foreign keys, numbered schema (resources/schema/NNN.sql), PRAGMA user_version. One Store
/// object is used from one thread; the scheduler's writer owns its own, the desktop reads through another.
///
/// Opening: a newer schema is refused with a clear text, an older one is backed up beside the file, then upgraded;
/// `running` rows whose process is gone become `interrupted`. Read-only files open for reading only.
class Store {
 public:
  enum class Mode { ReadWrite, ReadOnly };
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path, Mode mode = Mode::ReadWrite);
  static Result<std::unique_ptr<Store>> inMemory();
  ~Store();

  /// What opening did or could not do, for the user: upgrades with their backup, runs found interrupted, no write-ahead
  /// log.
  const std::vector<std::string>& notices() const;
  const std::filesystem::path& path() const;  ///< empty: in memory

  // Writing. Each call is one transaction; on error (full disk, read-only) nothing of it is kept.
  Result<std::int64_t> host(const HostRecord& host);        ///< finds or adds
  Result<std::int64_t> model(const ModelRecord& model);     ///< finds (by fingerprint) or adds
  Result<std::int64_t> addSweep(const SweepRecord& sweep);  ///< finds (by name and text: a sweep run again) or adds
  Result<std::int64_t> addRun(const RunRecord& run);        ///< its settings too; metrics and samples come later
  /// Running also notes this process and the start, an end state the end.
  Result<void> setState(std::int64_t run, RunState state, const std::string& failureKind = {},
                        const std::string& message = {});
  Result<void> addToSweep(std::int64_t sweep, std::int64_t run);  ///< a run that an earlier sweep measured
  Result<void> addSample(std::int64_t run, const SampleRecord& sample);
  Result<void> addMeasurements(std::int64_t run, const Measurements& measured);  ///< of one stage; replaces equal names
  /// The end of a run: metrics, engaged, noisy, state Done; all or nothing.
  Result<void> finish(const RunRecord& run);
  Result<void> setNote(std::int64_t run, const std::string& note);
  Result<void> archive(std::int64_t run, bool archived);  ///< soft delete, can be undone

  // Reading.
  Result<std::vector<RunRecord>> runs(std::int64_t sweep = 0) const;  ///< 0: all that are not archived
  Result<RunRecord> run(std::int64_t id) const;
  Result<std::optional<RunRecord>> findDone(const std::string& key) const;  ///< a measured key is not measured again
  /// The newest run of that key that began and did not end well (interrupted, cancelled, failed): to be continued.
  Result<std::optional<RunRecord>> findUnfinished(const std::string& key) const;
  Result<std::vector<SampleRecord>> samples(std::int64_t run) const;
  Result<std::vector<SweepRecord>> sweeps() const;
  std::int64_t changeCount() const;  ///< grows with every commit of any connection; cheap to poll (PRAGMA data_version)

  Result<std::int64_t> exportCsv(
      const std::filesystem::path& path) const;  ///< rows written; RFC 4180, units in the header

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ts
