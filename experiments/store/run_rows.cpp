// SPDX-License-Identifier: GPL-3.0-or-later
// Store: how a run's row comes to be, changes hands and ends. Several programs may work on one store: each step that
// decides something is one transaction.
#include "experiments/store/store_impl.h"

namespace ts {
namespace {

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

void addTexts(SQLite::Database& database, const char* table, std::int64_t run, const std::map<std::string, std::string>& texts) {
  SQLite::Statement add(database, std::string("INSERT OR REPLACE INTO ") + table + " (run, name, value) VALUES (?, ?, ?)");
  for (const auto& [name, value] : texts) {
    add.reset();
    add.bind(1, run);
    add.bind(2, name);
    add.bind(3, value);
    add.exec();
  }
}

void addStage(SQLite::Database& database, std::int64_t run, const Measurements& measured) {
  addMetrics(database, run, measured.metrics);
  addEngaged(database, run, measured.engaged);
  addTexts(database, "provenance", run, measured.provenance);
  SQLite::Statement update(database,
                           "UPDATE runs SET noisy = coalesce(?1, noisy), data_fingerprint = CASE ?2 WHEN '' THEN "
                           "data_fingerprint ELSE ?2 END WHERE id = ?3");
  if (measured.noisy) update.bind(1, *measured.noisy ? 1 : 0);
  update.bind(2, measured.dataFingerprint);
  update.bind(3, run);
  update.exec();
}

std::int64_t insertRun(SQLite::Database& database, const RunRecord& run, std::int64_t hostId, std::int64_t modelId,
                       const std::string& owner) {
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
  add.bind(++i, run.state == RunState::Queued || run.state == RunState::Running ? owner : std::string());
  add.bind(++i, run.started);
  add.bind(++i, run.finished);
  add.bind(++i, run.noisy ? 1 : 0);
  add.bind(++i, run.note);
  add.exec();
  const std::int64_t id = database.getLastInsertRowid();
  addTexts(database, "settings", id, run.settings);
  if (run.sweep) {
    SQLite::Statement link(database, "INSERT INTO sweep_runs (sweep, run) VALUES (?, ?)");
    link.bind(1, run.sweep);
    link.bind(2, id);
    link.exec();
  }
  addStage(database, id, {.metrics = run.metrics, .engaged = run.engaged, .provenance = run.provenance});
  return id;
}

void queue(SQLite::Database& database, std::int64_t run, const std::string& owner) {
  SQLite::Statement update(database, "UPDATE runs SET state = 'queued', process = ?, failure_kind = '', message = '', "
                                     "finished = '' WHERE id = ?");
  update.bind(1, owner);
  update.bind(2, run);
  update.exec();
}

/// Only of a row of one's own: a program that stops must not end what another one has taken over or measured.
void endRow(SQLite::Database& database, std::int64_t run, RunState state, const std::string& failureKind,
            const std::string& message, const std::string& owner) {
  SQLite::Statement update(database, std::string("UPDATE runs SET state = ?, failure_kind = ?, message = ?, process = '', "
                                                 "finished = ") +
                                         kNow + " WHERE id = ? AND process = ?");
  update.bind(1, std::string(name(state)));
  update.bind(2, failureKind);
  update.bind(3, message);
  update.bind(4, run);
  update.bind(5, owner);
  if (update.exec() == 0 || state != RunState::Done) return;
  SQLite::Statement forget(database, "DELETE FROM positions WHERE run = ?");
  forget.bind(1, run);
  forget.exec();
}

}  // namespace

Result<std::string> Store::Impl::ownerId() {
  if (owner.id().empty()) {
    if (path.empty())
      owner.becomeOnlyOne();
    else
      TS_CHECK(owner.become(path));
  }
  return owner.id();
}

Result<std::int64_t> Store::addRun(const RunRecord& run) {
  TS_TRY(const std::int64_t hostId, run.host.id ? Result<std::int64_t>(run.host.id) : host(run.host));
  TS_TRY(const std::int64_t modelId, run.model.id ? Result<std::int64_t>(run.model.id) : model(run.model));
  TS_TRY(const std::string owner, impl_->ownerId());
  return impl_->write([&](SQLite::Database& database) { return insertRun(database, run, hostId, modelId, owner); });
}

Result<Store::Enrolled> Store::enroll(const RunRecord& run) {
  TS_TRY(const std::int64_t hostId, run.host.id ? Result<std::int64_t>(run.host.id) : host(run.host));
  TS_TRY(const std::int64_t modelId, run.model.id ? Result<std::int64_t>(run.model.id) : model(run.model));
  TS_TRY(const std::string owner, impl_->ownerId());
  return impl_->write([&](SQLite::Database& database) -> Enrolled {
    std::vector<RunRecord> same = loadRuns(database, impl_->path, "r.key = ?1 AND r.archived = 0", run.key);
    const RunRecord* best = nullptr;  // a measured one, else the newest
    for (const RunRecord& row : same)
      if (!best || row.state == RunState::Done || best->state != RunState::Done) best = &row;
    if (!best) return {insertRun(database, run, hostId, modelId, owner), std::nullopt};
    if (run.sweep) {
      SQLite::Statement link(database, "INSERT OR IGNORE INTO sweep_runs (sweep, run) VALUES (?, ?)");
      link.bind(1, run.sweep);
      link.bind(2, best->id);
      link.exec();
    }
    const bool idle = best->state != RunState::Done && best->state != RunState::Queued && best->state != RunState::Running;
    if (idle && run.state != RunState::Refused) queue(database, best->id, owner);
    return {best->id, *best};
  });
}

Result<bool> Store::claim(std::int64_t run) {
  TS_TRY(const std::string owner, impl_->ownerId());
  return impl_->write([&](SQLite::Database& database) {
    SQLite::Statement row(database, "SELECT state, process FROM runs WHERE id = ?");
    row.bind(1, run);
    if (!row.executeStep()) return false;
    const std::string state = row.getColumn(0).getString(), process = row.getColumn(1).getString();
    if (state == "done") return false;
    if (state == "running" && process != owner && Owners(impl_->path).alive(process)) return false;
    SQLite::Statement update(database, std::string("UPDATE runs SET state = 'running', process = ?, failure_kind = '', "
                                                   "message = '', finished = '', started = ") +
                                           kNow + " WHERE id = ?");
    update.bind(1, owner);
    update.bind(2, run);
    update.exec();
    return true;
  });
}

Result<void> Store::setState(std::int64_t run, RunState state, const std::string& failureKind,
                             const std::string& message) {
  if (state == RunState::Running) return claim(run).map([](bool) {});
  TS_TRY(const std::string owner, impl_->ownerId());
  return impl_->write([&](SQLite::Database& database) {
    state == RunState::Queued ? queue(database, run, owner) : endRow(database, run, state, failureKind, message, owner);
  });
}

Result<void> Store::addMeasurements(std::int64_t run, const Measurements& measured) {
  return impl_->write([&](SQLite::Database& database) { addStage(database, run, measured); });
}

Result<void> Store::finish(const RunRecord& run) {
  TS_TRY(const std::string owner, impl_->ownerId());
  return impl_->write([&](SQLite::Database& database) {
    addStage(database, run.id, {run.metrics, run.engaged, run.provenance, run.dataFingerprint, run.noisy});
    endRow(database, run.id, RunState::Done, {}, {}, owner);
  });
}

}  // namespace ts
