// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/runs/table_model.h"

#include <QGuiApplication>
#include <QLocale>
#include <QPalette>
#include <set>

#include "widgets/base/icons.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/runs/metric_text.h"

namespace ts {
namespace {

Tone toneOf(RunState state) {
  switch (state) {
    case RunState::Done: return Tone::Good;
    case RunState::Running: return Tone::Busy;
    case RunState::Failed: return Tone::Bad;
    case RunState::Refused:
    case RunState::Interrupted: return Tone::Warning;
    default: return Tone::Neutral;
  }
}

/// The part behind "metric:" and the like; empty when the key has another prefix.
std::string nameIn(const QString& key, QLatin1String prefix) { return key.startsWith(prefix) ? utf8(key.mid(prefix.size())) : std::string(); }
const QLatin1String kSetting("setting:"), kMetric("metric:"), kEngaged("engaged:");

template <class Map>
auto lookUp(const Map& map, const std::string& name) -> const typename Map::mapped_type* {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : &it->second;
}

QString when(const std::string& iso) {
  const QDateTime time = QDateTime::fromString(text(iso), Qt::ISODate);
  return time.isValid() ? QLocale().toString(time.toLocalTime(), QLocale::ShortFormat) : text(iso);
}

}  // namespace

RunTableModel::RunTableModel(RunCatalogue& catalogue, QObject* parent)
    : QAbstractTableModel(parent), catalogue_(catalogue), runs_(catalogue.snapshot()) {
  columns_ = defaultColumns();
  connect(&catalogue_, &RunCatalogue::changed, this, &RunTableModel::refresh);
}

void RunTableModel::setColumns(const QStringList& columns) {
  beginResetModel();
  columns_ = columns.isEmpty() ? defaultColumns() : columns;
  endResetModel();
}

QStringList RunTableModel::availableColumns() const {
  std::set<std::string> settings, engaged;
  std::set<std::string, MetricOrder> metrics;
  for (const RunRecord& run : *runs_) {
    for (const auto& [name, value] : run.settings) settings.insert(name);
    for (const auto& [name, value] : run.metrics) metrics.insert(name);
    for (const auto& [name, value] : run.engaged) engaged.insert(name);
  }
  QStringList keys{QStringLiteral("run"),  QStringLiteral("state"),   QStringLiteral("plan"), QStringLiteral("model"),
                   QStringLiteral("task"), QStringLiteral("started"), QStringLiteral("noise")};
  for (const auto& name : settings) keys << kSetting + text(name);
  for (const auto& name : metrics) keys << kMetric + text(name);
  for (const auto& name : engaged) keys << kEngaged + text(name);
  keys << QStringLiteral("note");
  return keys;
}

QStringList RunTableModel::defaultColumns() const {
  const QStringList available = availableColumns();
  QStringList keys;
  for (const char* key : {"run", "state", "plan", "metric:perplexity", "metric:acc", "metric:decode_tokens_per_s", "metric:ttft_ms", "metric:bytes_total",
                          "metric:kl_mean", "noise", "note"})
    if (available.contains(QLatin1String(key))) keys << QLatin1String(key);
  return keys;
}

QString RunTableModel::columnTitle(const QString& key) {
  if (key == QStringLiteral("run")) return tr("Run");
  if (key == QStringLiteral("state")) return tr("State");
  if (key == QStringLiteral("plan")) return tr("Plan");
  if (key == QStringLiteral("model")) return tr("Model");
  if (key == QStringLiteral("task")) return tr("Task");
  if (key == QStringLiteral("started")) return tr("Started");
  if (key == QStringLiteral("noise")) return tr("Noise");
  if (key == QStringLiteral("note")) return tr("Note");
  if (const auto name = nameIn(key, kMetric); !name.empty()) return metricAxisTitle(name);
  if (const auto name = nameIn(key, kEngaged); !name.empty()) return tr("Engaged: %1").arg(settingTitle(name));
  const auto name = nameIn(key, kSetting);
  if (name == "weights") return tr("Weights");
  if (name == "kv") return tr("KV cache");
  if (name == "decode") return tr("Decoding");
  if (name == "sample") return tr("Sampling");
  return settingTitle(name);
}

std::int64_t RunTableModel::runAt(int row) const { return row >= 0 && row < rowCount() ? (*runs_)[static_cast<std::size_t>(row)].id : 0; }

int RunTableModel::rowOf(std::int64_t run) const {
  const auto it = std::lower_bound(runs_->begin(), runs_->end(), run, [](const RunRecord& r, std::int64_t i) { return r.id < i; });
  return it != runs_->end() && it->id == run ? static_cast<int>(it - runs_->begin()) : -1;
}

void RunTableModel::coloursChanged() {
  if (rowCount()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1), {Qt::DecorationRole, Qt::ForegroundRole});
}

int RunTableModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(runs_->size()); }
int RunTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(columns_.size()); }

void RunTableModel::refresh() {
  const auto next = catalogue_.snapshot();
  const std::size_t shared = runs_->size();
  const bool grows = next->size() >= shared && std::equal(runs_->begin(), runs_->end(), next->begin(),
                                                          [](const RunRecord& a, const RunRecord& b) { return a.id == b.id; });
  const bool firstRuns = runs_->empty() && !next->empty();
  if (!grows || firstRuns) {
    const bool untouched = columns_ == defaultColumns();
    beginResetModel();
    runs_ = next;
    if (untouched) columns_ = defaultColumns();
    endResetModel();
    return;
  }
  if (next->size() > shared) {
    beginInsertRows({}, static_cast<int>(shared), static_cast<int>(next->size()) - 1);
    runs_ = next;
    endInsertRows();
  } else {
    runs_ = next;
  }
  if (shared) Q_EMIT dataChanged(index(0, 0), index(static_cast<int>(shared) - 1, columnCount() - 1));
}

QVariant RunTableModel::raw(const RunRecord& run, const QString& key) const {
  if (key == QStringLiteral("run")) return QVariant::fromValue<qlonglong>(run.id);
  if (key == QStringLiteral("state")) return static_cast<int>(run.state);
  if (key == QStringLiteral("noise")) return run.noisy ? 1 : 0;
  if (const auto name = nameIn(key, kMetric); !name.empty()) {
    const MetricValue* metric = lookUp(run.metrics, name);
    return metric ? QVariant(metric->value) : QVariant();
  }
  if (const auto name = nameIn(key, kEngaged); !name.empty()) {
    const double* value = lookUp(run.engaged, name);
    return value ? QVariant(*value) : QVariant();
  }
  if (const auto name = nameIn(key, kSetting); !name.empty()) {
    const std::string* value = lookUp(run.settings, name);
    if (!value) return {};
    bool number = false;
    const double v = QLocale::c().toDouble(text(*value), &number);
    return number ? QVariant(v) : QVariant(text(*value));
  }
  const QString shown = display(run, key);
  return shown.isEmpty() ? QVariant() : QVariant(shown);
}

QString RunTableModel::display(const RunRecord& run, const QString& key) const {
  if (key == QStringLiteral("run")) return QStringLiteral("#%1").arg(run.id);
  if (key == QStringLiteral("state")) return stateText(run.state);
  if (key == QStringLiteral("plan")) return planTitle(run);
  if (key == QStringLiteral("model")) return text(run.model.name);
  if (key == QStringLiteral("task")) return text(run.task);
  if (key == QStringLiteral("started")) return run.started.empty() ? missing() : when(run.started);
  if (key == QStringLiteral("noise"))
    return run.state != RunState::Done ? missing() : run.noisy ? tr("noisy") : tr("quiet");
  if (key == QStringLiteral("note")) return text(run.note);
  if (const auto name = nameIn(key, kMetric); !name.empty()) {
    const MetricValue* metric = lookUp(run.metrics, name);
    return metric ? metricText(name, *metric) : missing();
  }
  if (const auto name = nameIn(key, kEngaged); !name.empty()) {
    const double* value = lookUp(run.engaged, name);
    return value ? numberText(*value) : missing();
  }
  const auto name = nameIn(key, kSetting);
  const std::string* value = lookUp(run.settings, name);
  return value && !value->empty() ? text(*value) : missing();
}

QVariant RunTableModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount() || index.column() >= columnCount()) return {};
  const RunRecord& run = (*runs_)[static_cast<std::size_t>(index.row())];
  const QString& key = columns_[index.column()];
  switch (role) {
    case Qt::DisplayRole: return display(run, key);
    case RawRole: return raw(run, key);
    case RunIdRole: return QVariant::fromValue<qlonglong>(run.id);
    case StateRole: return static_cast<int>(run.state);
    case Qt::DecorationRole:
      if (key == QStringLiteral("state")) return icon(stateIcon(run.state), toneColour(toneOf(run.state), QGuiApplication::palette()));
      if (key == QStringLiteral("noise") && run.noisy)
        return icon(QStringLiteral("warning"), toneColour(Tone::Warning, QGuiApplication::palette()));
      return {};
    case Qt::TextAlignmentRole:
      return QVariant(Qt::AlignVCenter | (key.startsWith(kMetric) || key.startsWith(kEngaged) ? Qt::AlignRight : Qt::AlignLeft));
    case Qt::ToolTipRole:
      if (key == QStringLiteral("state") && !run.message.empty()) return text(run.message);
      if (key == QStringLiteral("plan") || key.startsWith(kSetting)) return text(run.commandLine);
      return {};
    default: return {};
  }
}

QVariant RunTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) return {};
  const QString& key = columns_[section];
  if (role == Qt::DisplayRole) return columnTitle(key);
  if (role == Qt::TextAlignmentRole)
    return QVariant(Qt::AlignVCenter | (key.startsWith(kMetric) || key.startsWith(kEngaged) ? Qt::AlignRight : Qt::AlignLeft));
  if (role == Qt::ToolTipRole) {
    const auto name = nameIn(key, kMetric);
    return name.empty() ? columnTitle(key) : metricAxisTitle(name) + QStringLiteral("\n") + metricHelp(name);
  }
  return {};
}

}  // namespace ts
