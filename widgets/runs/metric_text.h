// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <string>
#include <string_view>

#include "experiments/store/records.h"

namespace ts {

/// How a metric is called and written in views. Unknown names are shown as they are, with spaces.
QString metricTitle(std::string_view metric);
QString metricHelp(std::string_view metric);     ///< one line for tool tips; empty for unknown names
QString metricAxisTitle(std::string_view metric);  ///< "Decode speed (tokens/s)"; bytes carry their own unit
QString metricValueText(std::string_view metric, double value);
QString metricText(std::string_view metric, const MetricValue& value);  ///< with its standard error, when it has one
QString metricTextWithUnit(std::string_view metric, const MetricValue& value);

/// Quality first, then speed, memory and the rest; the order in which views list metrics.
struct MetricOrder {
  bool operator()(const std::string& a, const std::string& b) const;
};

QString settingTitle(std::string_view setting);  ///< "weights.awq.bits" -> "weights · awq · bits"

QString stateText(RunState state);
QString stateIcon(RunState state);

/// The families a run switches on: "dense", "weights", "weights + kv" ...; what colours and shapes stand for.
std::string techniqueOf(const RunRecord& run);
QString techniqueTitle(const std::string& technique);

/// What the run is, short: "q4:group=32 + KV h2o"; "dense" when nothing is switched on.
QString planTitle(const RunRecord& run);

}  // namespace ts
