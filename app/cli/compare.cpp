// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/compare.h"

#include <cmath>
#include <iostream>

#include "app/cli/runs.h"
#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "experiments/analysis/label.h"
#include "experiments/store/metrics.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string store;
  std::int64_t a = 0, b = 0;
};

Json jsonOf(const MetricDifference& m) {
  const auto optional = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return {{"a", m.a}, {"b", m.b}, {"difference", m.difference}, {"unit", unitOf(m.metric)}, {"stderr", optional(m.stderr_)},
          {"low", optional(m.low)}, {"high", optional(m.high)}, {"p", optional(m.p)}, {"n", m.n}, {"method", m.method},
          {"verdict", m.better ? "better" : m.worse ? "worse" : "equal"}, {"sentence", m.sentence}};
}

/// The sentence without the metric's name, which the row has already.
std::string verdict(const MetricDifference& m) {
  const std::string name = titleOf(m.metric) + ": ";
  return m.sentence.starts_with(name) ? m.sentence.substr(name.size()) : m.sentence;
}

void print(const RunRecord& a, const RunRecord& b, const Comparison& c) {
  std::cout << "A: run " << a.id << "  " << shortName(a) << "\nB: run " << b.id << "  " << shortName(b) << "\n\n";
  if (c.differs.empty()) {
    std::cout << "No setting differs.\n";
  } else {
    Table settings({"setting", "A", "B"});
    for (const SettingDifference& d : c.differs) settings.add({d.name, d.a.empty() ? "–" : d.a, d.b.empty() ? "–" : d.b});
    settings.print(std::cout);
  }
  std::cout << "\n";
  Table metrics({"metric", "A", "B", "B against A"});
  for (const MetricDifference& m : c.metrics)
    metrics.add({titleOf(m.metric), formatValue(m.metric, m.a), formatValue(m.metric, m.b), verdict(m)});
  metrics.print(std::cout);
  for (const std::string& warning : c.warnings) std::cout << "note: " << warning << "\n";
}

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(const std::unique_ptr<Store> store, openStore(flags.store));
  TS_TRY(const RunRecord a, store->run(flags.a));
  TS_TRY(const RunRecord b, store->run(flags.b));
  TS_TRY(const std::vector<SampleRecord> samplesA, store->samples(a.id));
  TS_TRY(const std::vector<SampleRecord> samplesB, store->samples(b.id));
  const Comparison comparison = compareRuns(a, b, samplesA, samplesB);
  if (!shell.json) print(a, b, comparison);
  Json differs = Json::object(), metrics = Json::object();
  for (const SettingDifference& d : comparison.differs) differs[d.name] = {d.a, d.b};
  for (const MetricDifference& m : comparison.metrics) metrics[m.metric] = jsonOf(m);
  return Json{{"runs", {a.id, b.id}}, {"plans", {shortName(a), shortName(b)}}, {"differs", differs}, {"metrics", metrics}, {"notes", comparison.warnings}};
}

}  // namespace

void addCompare(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "compare", "What exactly differs between two runs, and whether it is real", flags, &run);
  verb.positional("STORE", flags->store, "The store");
  verb.positional("A", flags->a, "The number of a run");
  verb.positional("B", flags->b, "The number of the run to compare with it");
}

}  // namespace ts::cli
