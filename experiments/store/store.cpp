// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/store.h"

#include <algorithm>

#include "experiments/store/store_impl.h"

namespace ts {
namespace {

/// Runs that a program left behind when it died.
int recover(SQLite::Database& database, const std::filesystem::path& path) {
  Owners owners(path);
  std::vector<std::pair<std::int64_t, RunState>> gone;
  {
    SQLite::Statement left(database, "SELECT id, process, state FROM runs WHERE state IN ('running', 'queued')");
    while (left.executeStep())
      if (!owners.alive(left.getColumn(1).getString()))
        gone.emplace_back(left.getColumn(0).getInt64(), runState(left.getColumn(2).getString()).value());
  }
  for (const auto& [run, state] : gone) {
    SQLite::Statement mark(database, std::string("UPDATE runs SET state = 'interrupted', message = ?, process = '', ") +
                                         "finished = " + kNow + " WHERE id = ?");
    mark.bind(1, leftBehind(state));
    mark.bind(2, run);
    mark.exec();
  }
  return static_cast<int>(gone.size());
}

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
void Store::disown() {
  impl_->owner.release();
}
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
    TS_TRY(const int interrupted, impl->write([&](SQLite::Database& database) { return recover(database, path); }));
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
    if (sample.positions.empty()) return;
    SQLite::Statement keep(database, "INSERT OR REPLACE INTO positions (run, item, data) VALUES (?, ?, ?)");
    keep.bind(1, run);
    keep.bind(2, sample.item);
    keep.bind(3, sample.positions.data(), static_cast<int>(sample.positions.size()));
    keep.exec();
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
