// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/store.h"

#include <algorithm>

#include "experiments/store/process.h"
#include "experiments/store/store_impl.h"

namespace ts {
namespace {

/// Runs that a program left behind when it died.
int recover(SQLite::Database& database) {
  std::vector<std::pair<std::int64_t, bool>> gone;
  {
    SQLite::Statement left(database,
                           "SELECT id, process, state = 'running' FROM runs WHERE state IN ('running', 'queued')");
    while (left.executeStep())
      if (!mayBeAlive(left.getColumn(1).getString()))
        gone.emplace_back(left.getColumn(0).getInt64(), left.getColumn(2).getInt() != 0);
  }
  for (const auto& [run, began] : gone) {
    SQLite::Statement mark(database, std::string("UPDATE runs SET state = 'interrupted', message = ?, finished = ") +
                                         kNow + " WHERE id = ?");
    mark.bind(1, began ? "the program ended while it ran; run the sweep again to continue it"
                       : "the program ended before it began; run the sweep again");
    mark.bind(2, run);
    mark.exec();
  }
  return static_cast<int>(gone.size());
}

std::int64_t planId(SQLite::Database& database, const std::string& canonical) {
  SQLite::Statement add(database, "INSERT OR IGNORE INTO plans (canonical) VALUES (?)");
  add.bind(1, canonical);
  add.exec();
  SQLite::Statement find(database, "SELECT id FROM plans WHERE canonical = ?");
  find.bind(1, canonical);
  find.executeStep();
  return find.getColumn(0).getInt64();
}

void addEngaged(SQLite::Database& database, std::int64_t run, const std::map<std::string, double>& engaged) {
  SQLite::Statement add(database, "INSERT OR REPLACE INTO engaged (run, name, value) VALUES (?, ?, ?)");
  for (const auto& [name, value] : engaged) {
    add.reset();
    add.bind(1, run);
    add.bind(2, name);
    bindNumber(add, 3, value);
    add.exec();
  }
}

void addMetrics(SQLite::Database& database, std::int64_t run, const std::map<std::string, MetricValue>& metrics) {
  SQLite::Statement add(database,
                        "INSERT OR REPLACE INTO metrics (run, name, value, stderr, n) VALUES (?, ?, ?, ?, ?)");
  for (const auto& [name, metric] : metrics) {
    add.reset();
    add.clearBindings();
    add.bind(1, run);
    add.bind(2, name);
    bindNumber(add, 3, metric.value);
    if (metric.stderr_) bindNumber(add, 4, *metric.stderr_);
    if (metric.n) add.bind(5, *metric.n);
    add.exec();
  }
}

void addStage(SQLite::Database& database, std::int64_t run, const Measurements& measured) {
  addMetrics(database, run, measured.metrics);
  addEngaged(database, run, measured.engaged);
  SQLite::Statement update(database,
                           "UPDATE runs SET noisy = max(noisy, ?1), data_fingerprint = CASE ?2 WHEN '' THEN "
                           "data_fingerprint ELSE ?2 END WHERE id = ?3");
  update.bind(1, measured.noisy ? 1 : 0);
  update.bind(2, measured.dataFingerprint);
  update.bind(3, run);
  update.exec();
}

void updateState(SQLite::Database& database, std::int64_t run, RunState state, const std::string& failureKind,
                 const std::string& message) {
  const bool begins = state == RunState::Running, waits = state == RunState::Queued;
  SQLite::Statement update(database, std::string("UPDATE runs SET state = ?, failure_kind = ?, message = ?, ") +
                                         (begins  ? std::string("process = ?, started = ") + kNow + ", finished = ''"
                                          : waits ? std::string("process = ?, finished = ''")
                                                  : std::string("process = ?, finished = ") + kNow) +
                                         " WHERE id = ?");
  update.bind(1, std::string(name(state)));
  update.bind(2, failureKind);
  update.bind(3, message);
  update.bind(4, begins || waits ? processIdentity() : std::string());
  update.bind(5, run);
  update.exec();
}

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
const std::vector<std::string>& Store::notices() const {
  return impl_->notices;
}
const std::filesystem::path& Store::path() const {
  return impl_->path;
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& path, Mode mode) {
  TS_TRY(OpenedDatabase opened, mode == Mode::ReadWrite ? openForWriting(path) : openForReading(path));
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->database = std::move(opened.database);
  impl->notices = std::move(opened.notices);
  if (mode == Mode::ReadWrite) {
    TS_TRY(const int interrupted, impl->write(recover));
    if (interrupted > 0)
      impl->notices.push_back(std::to_string(interrupted) +
                              " runs were interrupted when a program ended; run their sweep again to continue");
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::unique_ptr<Store>> Store::inMemory() {
  TS_TRY(OpenedDatabase opened, openInMemory());
  auto impl = std::make_unique<Impl>();
  impl->database = std::move(opened.database);
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::int64_t> Store::host(const HostRecord& host) {
  return impl_->write([&](SQLite::Database& database) {
    const auto bind = [&](SQLite::Statement& statement) {
      statement.bind(1, host.name);
      statement.bind(2, host.cpu);
      statement.bind(3, host.isa);
      statement.bind(4, host.kernel);
      statement.bind(5, host.cores);
      statement.bind(6, host.memoryBytes);
    };
    SQLite::Statement add(
        database,
        "INSERT OR IGNORE INTO hosts (name, cpu, isa, kernel, cores, memory_bytes) VALUES (?, ?, ?, ?, ?, ?)");
    bind(add);
    add.exec();
    SQLite::Statement find(database,
                           "SELECT id FROM hosts WHERE name = ? AND cpu = ? AND isa = ? AND kernel = ? AND cores = ? "
                           "AND memory_bytes = ?");
    bind(find);
    find.executeStep();
    return find.getColumn(0).getInt64();
  });
}

Result<std::int64_t> Store::model(const ModelRecord& model) {
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement add(database,
                          "INSERT INTO models (fingerprint, path, name, architecture, format, parameters, file_bytes) "
                          "VALUES (?, ?, ?, ?, ?, ?, ?) "
                          "ON CONFLICT (fingerprint) DO UPDATE SET path = excluded.path RETURNING id");
    add.bind(1, model.fingerprint);
    add.bind(2, model.path);
    add.bind(3, model.name);
    add.bind(4, model.architecture);
    add.bind(5, model.format);
    add.bind(6, model.parameters);
    add.bind(7, model.fileBytes);
    add.executeStep();
    const std::int64_t id = add.getColumn(0).getInt64();
    while (add.executeStep()) {
    }
    return id;
  });
}

Result<std::int64_t> Store::addSweep(const SweepRecord& sweep) {
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement find(database, "SELECT id FROM sweeps WHERE name = ? AND text = ?");
    find.bind(1, sweep.name);
    find.bind(2, sweep.text);
    if (find.executeStep()) {
      const std::int64_t id = find.getColumn(0).getInt64();
      SQLite::Statement update(database, "UPDATE sweeps SET plans = ? WHERE id = ?");
      update.bind(1, sweep.plans);
      update.bind(2, id);
      update.exec();
      return id;
    }
    SQLite::Statement add(
        database, std::string("INSERT INTO sweeps (name, created, text, plans) VALUES (?1, CASE ?2 WHEN '' THEN ") +
                      kNow + " ELSE ?2 END, ?3, ?4)");
    add.bind(1, sweep.name);
    add.bind(2, sweep.created);
    add.bind(3, sweep.text);
    add.bind(4, sweep.plans);
    add.exec();
    return static_cast<std::int64_t>(database.getLastInsertRowid());
  });
}

Result<std::int64_t> Store::addRun(const RunRecord& run) {
  TS_TRY(const std::int64_t hostId, run.host.id ? Result<std::int64_t>(run.host.id) : host(run.host));
  TS_TRY(const std::int64_t modelId, run.model.id ? Result<std::int64_t>(run.model.id) : model(run.model));
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement add(database,
                          "INSERT INTO runs (key, model, host, plan, sweep, command_line, task, data_fingerprint, "
                          "seed, state, failure_kind, "
                          "message, engine_version, process, started, finished, noisy, note) VALUES "
                          "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    int i = 0;
    add.bind(++i, run.key);
    add.bind(++i, modelId);
    add.bind(++i, hostId);
    add.bind(++i, planId(database, run.plan));
    ++i;
    if (run.sweep) add.bind(i, run.sweep);
    add.bind(++i, run.commandLine);
    add.bind(++i, run.task);
    add.bind(++i, run.dataFingerprint);
    add.bind(++i, static_cast<std::int64_t>(run.seed));
    add.bind(++i, std::string(name(run.state)));
    add.bind(++i, run.failureKind);
    add.bind(++i, run.message);
    add.bind(++i, run.engineVersion);
    add.bind(++i, run.state == RunState::Queued || run.state == RunState::Running ? processIdentity() : std::string());
    add.bind(++i, run.started);
    add.bind(++i, run.finished);
    add.bind(++i, run.noisy ? 1 : 0);
    add.bind(++i, run.note);
    add.exec();
    const std::int64_t id = database.getLastInsertRowid();
    SQLite::Statement setting(database, "INSERT INTO settings (run, name, value) VALUES (?, ?, ?)");
    for (const auto& [key, value] : run.settings) {
      setting.reset();
      setting.bind(1, id);
      setting.bind(2, key);
      setting.bind(3, value);
      setting.exec();
    }
    if (run.sweep) {
      SQLite::Statement link(database, "INSERT INTO sweep_runs (sweep, run) VALUES (?, ?)");
      link.bind(1, run.sweep);
      link.bind(2, id);
      link.exec();
    }
    addStage(database, id, {.metrics = run.metrics, .engaged = run.engaged});
    return id;
  });
}

Result<void> Store::setState(std::int64_t run, RunState state, const std::string& failureKind,
                             const std::string& message) {
  return impl_->write([&](SQLite::Database& database) { updateState(database, run, state, failureKind, message); });
}

Result<void> Store::addToSweep(std::int64_t sweep, std::int64_t run) {
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement link(database, "INSERT OR IGNORE INTO sweep_runs (sweep, run) VALUES (?, ?)");
    link.bind(1, sweep);
    link.bind(2, run);
    link.exec();
  });
}

Result<void> Store::addSample(std::int64_t run, const SampleRecord& sample) {
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement add(database, "INSERT OR REPLACE INTO samples (run, item, name, value) VALUES (?, ?, ?, ?)");
    for (const auto& [key, value] : sample.values) {
      add.reset();
      add.bind(1, run);
      add.bind(2, sample.item);
      add.bind(3, key);
      bindNumber(add, 4, value);
      add.exec();
    }
  });
}

Result<void> Store::addMeasurements(std::int64_t run, const Measurements& measured) {
  return impl_->write([&](SQLite::Database& database) { addStage(database, run, measured); });
}

Result<void> Store::finish(const RunRecord& run) {
  return impl_->write([&](SQLite::Database& database) {
    addStage(database, run.id, {run.metrics, run.engaged, run.dataFingerprint, run.noisy});
    updateState(database, run.id, RunState::Done, {}, {});
  });
}

Result<void> Store::setNote(std::int64_t run, const std::string& note) {
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement update(database, "UPDATE runs SET note = ? WHERE id = ?");
    update.bind(1, note);
    update.bind(2, run);
    update.exec();
  });
}

Result<void> Store::archive(std::int64_t run, bool archived) {
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement update(database, "UPDATE runs SET archived = ? WHERE id = ?");
    update.bind(1, archived ? 1 : 0);
    update.bind(2, run);
    update.exec();
  });
}

}  // namespace ts
