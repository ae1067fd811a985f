// SPDX-License-Identifier: GPL-3.0-or-later
// Store: what is read.
#include <sqlite3.h>

#include <limits>
#include <unordered_map>

#include "experiments/store/store_impl.h"

namespace ts {
namespace {

double number(const SQLite::Column& column) {
  return column.isNull() ? std::numeric_limits<double>::quiet_NaN() : column.getDouble();
}

template <class... Parameter>
std::vector<RunRecord> load(SQLite::Database& database, const std::filesystem::path& path, const std::string& condition,
                            const Parameter&... parameter) {
  Owners owners(path);
  std::vector<RunRecord> runs;
  std::unordered_map<std::int64_t, std::size_t> at;
  SQLite::Statement rows(
      database,
      "SELECT r.id, coalesce(r.sweep, 0), r.key, r.command_line, r.task, r.data_fingerprint, r.seed, r.state, "
      "r.failure_kind, "
      "r.message, r.engine_version, r.started, r.finished, r.noisy, r.note, p.canonical, "
      "m.id, m.path, m.name, m.architecture, m.format, m.fingerprint, m.parameters, m.file_bytes, "
      "h.id, h.cpu, h.isa, h.kernel, h.name, h.cores, h.memory_bytes, r.process "
      "FROM runs r JOIN plans p ON p.id = r.plan JOIN models m ON m.id = r.model JOIN hosts h ON h.id = r.host WHERE " +
          condition + " ORDER BY r.id");
  (rows.bind(1, parameter), ...);
  while (rows.executeStep()) {
    int i = 0;
    const auto text = [&] { return rows.getColumn(i++).getString(); };
    const auto integer = [&] { return rows.getColumn(i++).getInt64(); };
    RunRecord& run = runs.emplace_back();
    run.id = integer();
    run.sweep = integer();
    run.key = text();
    run.commandLine = text();
    run.task = text();
    run.dataFingerprint = text();
    run.seed = static_cast<std::uint64_t>(integer());
    run.state = runState(text()).value_or(RunState::Failed);
    run.failureKind = text();
    run.message = text();
    run.engineVersion = text();
    run.started = text();
    run.finished = text();
    run.noisy = integer() != 0;
    run.note = text();
    run.plan = text();
    run.model.id = integer();
    run.model.path = text();
    run.model.name = text();
    run.model.architecture = text();
    run.model.format = text();
    run.model.fingerprint = text();
    run.model.parameters = integer();
    run.model.fileBytes = integer();
    run.host.id = integer();
    run.host.cpu = text();
    run.host.isa = text();
    run.host.kernel = text();
    run.host.name = text();
    run.host.cores = static_cast<int>(integer());
    run.host.memoryBytes = integer();
    if (const std::string owner = text();
        (run.state == RunState::Queued || run.state == RunState::Running) && !owners.alive(owner)) {
      run.message = leftBehind(run.state);
      run.state = RunState::Interrupted;
    }
    at[run.id] = runs.size() - 1;
  }

  const auto attach = [&](const char* columns, const char* table, auto&& take) {
    SQLite::Statement rest(database, std::string("SELECT run, ") + columns + " FROM " + table +
                                         " WHERE run IN (SELECT r.id FROM runs r WHERE " + condition + ")");
    (rest.bind(1, parameter), ...);
    while (rest.executeStep()) take(runs[at.at(rest.getColumn(0).getInt64())], rest);
  };
  attach("name, value", "settings", [](RunRecord& run, SQLite::Statement& row) {
    run.settings[row.getColumn(1).getString()] = row.getColumn(2).getString();
  });
  attach("name, value", "provenance", [](RunRecord& run, SQLite::Statement& row) {
    run.provenance[row.getColumn(1).getString()] = row.getColumn(2).getString();
  });
  attach("name, value", "engaged", [](RunRecord& run, SQLite::Statement& row) {
    run.engaged[row.getColumn(1).getString()] = number(row.getColumn(2));
  });
  attach("name, value, stderr, n", "metrics", [](RunRecord& run, SQLite::Statement& row) {
    MetricValue& metric = run.metrics[row.getColumn(1).getString()];
    metric.value = number(row.getColumn(2));
    if (!row.getColumn(3).isNull()) metric.stderr_ = row.getColumn(3).getDouble();
    if (!row.getColumn(4).isNull()) metric.n = row.getColumn(4).getInt64();
  });
  return runs;
}

std::optional<RunRecord> newest(std::vector<RunRecord> runs) {
  if (runs.empty()) return std::nullopt;
  return std::move(runs.back());
}

}  // namespace

std::vector<RunRecord> loadRuns(SQLite::Database& database, const std::filesystem::path& path, const std::string& condition) {
  return load(database, path, condition);
}
std::vector<RunRecord> loadRuns(SQLite::Database& database, const std::filesystem::path& path, const std::string& condition,
                                const std::string& parameter) {
  return load(database, path, condition, parameter);
}
std::vector<RunRecord> loadRuns(SQLite::Database& database, const std::filesystem::path& path, const std::string& condition,
                                std::int64_t parameter) {
  return load(database, path, condition, parameter);
}

const char* leftBehind(RunState state) {
  return state == RunState::Running ? "the program ended while it ran; run the sweep again to continue it"
                                    : "the program ended before it began; run the sweep again";
}

Result<std::vector<RunRecord>> Store::runs(std::int64_t sweep) const {
  return impl_->read([&](SQLite::Database& database) {
    if (sweep == 0) return load(database, impl_->path, "r.archived = 0");
    return load(database, impl_->path, "r.archived = 0 AND r.id IN (SELECT run FROM sweep_runs WHERE sweep = ?1)", sweep);
  });
}

Result<RunRecord> Store::run(std::int64_t id) const {
  TS_TRY(std::vector<RunRecord> found,
         impl_->read([&](SQLite::Database& database) { return load(database, impl_->path, "r.id = ?1", id); }));
  if (found.empty()) return fail("there is no run " + std::to_string(id) + " in the store", impl_->where());
  return std::move(found.front());
}

Result<std::optional<RunRecord>> Store::findDone(const std::string& key) const {
  return impl_->read([&](SQLite::Database& database) {
    return newest(load(database, impl_->path, "r.key = ?1 AND r.archived = 0 AND r.state = 'done'", key));
  });
}

Result<std::vector<SampleRecord>> Store::samples(std::int64_t run) const {
  return impl_->read([&](SQLite::Database& database) {
    std::vector<SampleRecord> samples;
    SQLite::Statement rows(database, "SELECT item, name, value FROM samples WHERE run = ? ORDER BY item, name");
    rows.bind(1, run);
    while (rows.executeStep()) {
      const std::int64_t item = rows.getColumn(0).getInt64();
      if (samples.empty() || samples.back().item != item) samples.push_back({.item = item});
      samples.back().values[rows.getColumn(1).getString()] = number(rows.getColumn(2));
    }
    return samples;
  });
}

Result<std::vector<SampleRecord>> Store::unfinishedSamples(std::int64_t run) const {
  TS_TRY(std::vector<SampleRecord> found, samples(run));
  return impl_->read([&](SQLite::Database& database) {
    std::unordered_map<std::int64_t, std::size_t> at;
    for (std::size_t i = 0; i < found.size(); ++i) at[found[i].item] = i;
    SQLite::Statement rows(database, "SELECT item, data FROM positions WHERE run = ?");
    rows.bind(1, run);
    while (rows.executeStep())
      if (const auto it = at.find(rows.getColumn(0).getInt64()); it != at.end())
        found[it->second].positions = rows.getColumn(1).getString();
    return std::move(found);
  });
}

Result<std::vector<SweepRecord>> Store::sweeps() const {
  return impl_->read([&](SQLite::Database& database) {
    std::vector<SweepRecord> sweeps;
    SQLite::Statement rows(database, "SELECT id, name, created, text, plans FROM sweeps ORDER BY id");
    while (rows.executeStep())
      sweeps.push_back({.id = rows.getColumn(0).getInt64(),
                        .name = rows.getColumn(1).getString(),
                        .created = rows.getColumn(2).getString(),
                        .text = rows.getColumn(3).getString(),
                        .plans = rows.getColumn(4).getInt64()});
    return sweeps;
  });
}

std::string sqliteVersion() {
  return sqlite3_libversion();
}

std::int64_t Store::changeCount() const {
  try {  // data_version counts other connections' commits, total_changes our own
    std::int64_t gone = 0;
    SQLite::Statement busy(*impl_->database, "SELECT DISTINCT process FROM runs WHERE state IN ('queued', 'running')");
    for (Owners owners(impl_->path); busy.executeStep();) gone += owners.alive(busy.getColumn(0).getString()) ? 0 : 1;
    return impl_->database->execAndGet("PRAGMA data_version").getInt64() +
           sqlite3_total_changes64(impl_->database->getHandle()) + (gone << 40);
  } catch (const SQLite::Exception&) {
    return -1;  // busy or gone: differs from what was seen before, so the caller reads and gets the error with its text
  }
}

}  // namespace ts
