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

/// The one SQLite file. WAL, foreign keys, numbered schema (resources/schema/NNN.sql), PRAGMA user_version. One Store object is
/// used from one thread; the scheduler's writer owns its own, the desktop reads through another.
///
/// Opening: a newer schema is refused with a clear text, an older one is backed up beside the file, then upgraded;
/// `running` rows whose process is gone become `interrupted`. Read-only files open for reading only.
class Store {
 public:
  enum class Mode { ReadWrite, ReadOnly };
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path, Mode mode = Mode::ReadWrite);
  static Result<std::unique_ptr<Store>> inMemory();
  ~Store();

  // Writing. Each call is one transaction; on error (full disk, read-only) nothing of it is kept.
  Result<std::int64_t> host(const HostRecord& host);      ///< finds or adds
  Result<std::int64_t> model(const ModelRecord& model);   ///< finds (by fingerprint) or adds
  Result<std::int64_t> addSweep(const SweepRecord& sweep);
  Result<std::int64_t> addRun(const RunRecord& run);      ///< its settings too; metrics and samples come later
  Result<void> setState(std::int64_t run, RunState state, const std::string& failureKind = {}, const std::string& message = {});
  Result<void> addSample(std::int64_t run, const SampleRecord& sample);
  /// The end of a run: metrics, engaged, noisy, state Done; all or nothing.
  Result<void> finish(const RunRecord& run);
  Result<void> setNote(std::int64_t run, const std::string& note);
  Result<void> archive(std::int64_t run, bool archived);  ///< soft delete, can be undone

  // Reading.
  Result<std::vector<RunRecord>> runs(std::int64_t sweep = 0) const;  ///< 0: all that are not archived
  Result<RunRecord> run(std::int64_t id) const;
  Result<std::optional<RunRecord>> findDone(const std::string& key) const;  ///< a measured key is not measured again
  Result<std::vector<SampleRecord>> samples(std::int64_t run) const;
  Result<std::vector<SweepRecord>> sweeps() const;
  std::int64_t changeCount() const;  ///< grows with every commit of any connection; cheap to poll (PRAGMA data_version)

  Result<std::int64_t> exportCsv(const std::filesystem::path& path) const;  ///< rows written; RFC 4180, units in the header

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ts
