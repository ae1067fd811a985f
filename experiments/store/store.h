// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "experiments/store/records.h"

namespace ts {

/// The one SQLite file. WAL, foreign keys, numbered schema (resources/schema/NNN.sql), PRAGMA user_version. One Store
/// object is used from one thread; the scheduler's writer owns its own, the desktop reads through another.
///
/// Opening: a newer schema is refused with a clear text, an older one is backed up beside the file, then upgraded;
/// rows that a program left `queued` or `running` when it ended become `interrupted` (and read as such before that, too).
/// Several programs may work on one store at once: each of them marks its rows with a lock that ends with it (owner.h).
/// Read-only files open for reading only.
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
  /// The row of the run's key, in one step, so that two programs never make two: a measured one if there is one, else the
  /// newest that is not archived, else a new one. A row that nobody works on is queued again (unless run.state is Refused).
  struct Enrolled {
    std::int64_t run = 0;
    std::optional<RunRecord> known;  ///< the row as it was; empty: it is new
  };
  Result<Enrolled> enroll(const RunRecord& run);
  /// Makes the run this Store's and `running`; false when another program is at it or it was measured meanwhile.
  Result<bool> claim(std::int64_t run);
  /// From here on rows that this Store queued or began count as left behind: its work is over, even if writing that down failed.
  void disown();
  /// Running is claim(), an end state notes the end; the row of another program stays as it is.
  Result<void> setState(std::int64_t run, RunState state, const std::string& failureKind = {},
                        const std::string& message = {});
  Result<void> addToSweep(std::int64_t sweep, std::int64_t run);  ///< a run that an earlier sweep measured
  Result<void> addSample(std::int64_t run, const SampleRecord& sample);  ///< replaces one of the same item
  Result<void> addMeasurements(std::int64_t run, const Measurements& measured);  ///< of one stage; replaces equal names
  /// The end of a run: metrics, engaged, noisy, state Done; all or nothing.
  Result<void> finish(const RunRecord& run);
  Result<void> setNote(std::int64_t run, const std::string& note);
  Result<void> archive(std::int64_t run, bool archived);  ///< soft delete, can be undone

  // Reading.
  Result<std::vector<RunRecord>> runs(std::int64_t sweep = 0) const;  ///< 0: all that are not archived
  Result<RunRecord> run(std::int64_t id) const;
  Result<std::optional<RunRecord>> findDone(const std::string& key) const;  ///< a measured key is not measured again
  Result<std::vector<SampleRecord>> samples(std::int64_t run) const;
  Result<std::vector<SampleRecord>> unfinishedSamples(std::int64_t run) const;  ///< the same with positions
  Result<std::vector<SweepRecord>> sweeps() const;
  std::int64_t changeCount() const;  ///< differs after every commit of any connection and when a program that worked on
                                     ///< runs is gone; cheap to poll

  Result<std::int64_t> exportCsv(
      const std::filesystem::path& path) const;  ///< rows written; RFC 4180, units in the header

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The version of SQLite in use.
std::string sqliteVersion();

}  // namespace ts
