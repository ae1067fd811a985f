// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/front.h"

#include <algorithm>
#include <iostream>
#include <map>

#include "app/cli/runs.h"
#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "experiments/analysis/front_reading.h"
#include "experiments/analysis/front_svg.h"
#include "experiments/analysis/label.h"
#include "experiments/spec/constraints.h"
#include "experiments/store/csv.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string store, x, y, svg, csv;
  std::int64_t sweep = 0;
};

Result<void> metricExists(const std::vector<RunRecord>& runs, const std::string& metric, const std::string& flag) {
  std::map<std::string, int> known;
  for (const RunRecord& run : runs)
    for (const auto& [name, value] : run.metrics) ++known[name];
  if (known.contains(metric)) return {};
  std::string names;
  for (const auto& [name, n] : known) names += (names.empty() ? "" : ", ") + name;
  return fail("no run of this store has a metric '" + metric + "'; there are: " + (names.empty() ? "none" : names), flag);
}

std::string csvOf(const Front& front, const std::string& x, const std::string& y, const std::map<std::int64_t, std::string>& labels) {
  const auto column = [](const std::string& metric) { return csvField(unitOf(metric).empty() ? metric : metric + " [" + unitOf(metric) + "]"); };
  std::string text = "run," + column(x) + "," + column(y) + "," + csvField(x + " stderr") + "," + csvField(y + " stderr") + ",on_front,plan\r\n";
  for (const FrontPoint& p : front.points)
    text += std::to_string(p.run) + "," + csvNumber(p.x) + "," + csvNumber(p.y) + "," + csvNumber(p.xError) + "," + csvNumber(p.yError) + "," +
            (p.onFront ? "1" : "0") + "," + csvField(labels.at(p.run)) + "\r\n";
  return text;
}

std::string cell(const std::string& metric, double value, double error) {
  return error > 0 ? errorText(value, error) : formatValue(metric, value);
}

/// Constraints that a run's own sweep sets and the run does not meet, for every run of a sweep with constraints.
using Violations = std::map<std::int64_t, std::vector<std::string>>;
Result<Violations> violationsOf(const Store& store, const std::vector<RunRecord>& runs) {
  TS_TRY(const std::vector<SweepRecord> sweeps, store.sweeps());
  std::map<std::int64_t, std::vector<Constraint>> ofSweep;
  for (const SweepRecord& sweep : sweeps) ofSweep[sweep.id] = constraintsOf(sweep.text);
  Violations out;
  for (const RunRecord& run : runs) {
    const auto it = ofSweep.find(run.sweep);
    if (it == ofSweep.end() || it->second.empty()) continue;
    std::map<std::string, double> metrics;
    for (const auto& [name, metric] : run.metrics) metrics[name] = metric.value;
    out[run.id] = violated(it->second, metrics);
  }
  return out;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

void print(const Front& front, const Flags& flags, const std::map<std::int64_t, std::string>& labels, const FrontReading& reading,
           const Violations& violations, const std::vector<std::string>& warnings) {
  for (const std::string& w : warnings) std::cout << "NOTE: " << w << "\n";
  if (!warnings.empty()) std::cout << "\n";
  std::vector<std::string> header{"run", titleOf(flags.x), titleOf(flags.y), "", "plan"};
  if (!violations.empty()) header.insert(header.end() - 1, "constraints");
  Table table(header);
  for (const std::size_t i : front.front) {
    const FrontPoint& p = front.points[i];
    std::vector<std::string> row{std::to_string(p.run), cell(flags.x, p.x, p.xError), cell(flags.y, p.y, p.yError), front.knee == i ? "◆ knee" : "", labels.at(p.run)};
    if (!violations.empty()) {
      const auto it = violations.find(p.run);
      row.insert(row.end() - 1, it == violations.end() ? "none set" : it->second.empty() ? "met" : "✗ not " + joined(it->second));
    }
    table.add(row);
  }
  table.print(std::cout);
  std::cout << "\n" << front.front.size() << " of " << front.points.size() << " runs are on the front; hypervolume " << numberText(front.hypervolume)
            << " of the box between the points' extremes\n";
  if (reading.method.empty()) return;
  std::cout << "Neighbours on the front, and each plan of it against the baseline, at 95 % with " << reading.method << ": "
            << (reading.sentences.empty() ? "all differences are real.\n" : std::to_string(reading.tests.size() - reading.sentences.size()) + " are real; not shown to be:\n");
  for (const std::string& sentence : reading.sentences) std::cout << "  " << sentence << "\n";
}

Json jsonOf(const FrontReading& reading) {
  Json tests = Json::array();
  for (const FrontTest& t : reading.tests)
    tests.push_back({{"a", t.a}, {"b", t.b}, {"metric", t.metric}, {"with", t.withBaseline ? "baseline" : "neighbour"}, {"difference", t.difference},
                     {"p", t.p}, {"p_corrected", t.corrected}, {"real", t.corrected < 0.05}, {"method", t.method}});
  return {{"correction", reading.method}, {"tests", tests}};
}

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(const std::unique_ptr<Store> store, openStore(flags.store));
  TS_TRY(const std::vector<RunRecord> runs, store->runs(flags.sweep));
  TS_CHECK(metricExists(runs, flags.x, "--x"));
  TS_CHECK(metricExists(runs, flags.y, "--y"));
  const Front front = paretoFront(runs, flags.x, flags.y);
  std::map<std::int64_t, std::string> labels;
  std::vector<RunRecord> shown;
  for (const RunRecord& r : runs) {
    labels[r.id] = shortName(r);
    if (std::ranges::count(front.points, r.id, &FrontPoint::run)) shown.push_back(r);
  }
  const std::vector<std::string> warnings = notComparable(shown);
  TS_TRY(const Violations violations, violationsOf(*store, shown));
  const FrontReading reading = readFront(front, runs, flags.x, flags.y, [&](std::int64_t id) { return store->samples(id).value_or(std::vector<SampleRecord>()); });
  const std::string title = "Pareto front of " + flags.store + (warnings.empty() ? "" : " (runs that are not of one experiment)");
  if (!flags.svg.empty()) TS_CHECK(replaceFile(flags.svg, frontSvg(front, runs, {.title = title, .x = flags.x, .y = flags.y})));
  if (!flags.csv.empty()) TS_CHECK(replaceFile(flags.csv, csvOf(front, flags.x, flags.y, labels)));
  std::vector<std::string> notes = warnings;
  if (std::string noisy = noisyAmong(shown, flags.x, flags.y); !noisy.empty()) notes.push_back(std::move(noisy));
  if (!shell.json) print(front, flags, labels, reading, violations, notes);

  Json points = Json::array();
  for (const std::size_t i : front.front) {
    const FrontPoint& p = front.points[i];
    Json point{{"run", p.run}, {"x", p.x}, {"y", p.y}, {"x_error", p.xError}, {"y_error", p.yError}, {"plan", labels.at(p.run)}};
    if (const auto it = violations.find(p.run); it != violations.end()) point["feasible"] = it->second.empty(), point["violates"] = it->second;
    points.push_back(std::move(point));
  }
  Json j{{"x", flags.x}, {"y", flags.y}, {"points", points}, {"dominated", front.points.size() - front.front.size()},
         {"hypervolume", front.hypervolume}, {"reference", {front.reference.first, front.reference.second}}, {"knee", nullptr},
         {"comparable", warnings.empty()}, {"notes", notes}, {"significance", jsonOf(reading)}};
  if (front.knee) {
    const FrontPoint& p = front.points[*front.knee];
    j["knee"] = {{"run", p.run}, {"x", p.x}, {"y", p.y}, {"plan", labels.at(p.run)}};
  }
  return j;
}

}  // namespace

void addFront(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "front", "The Pareto front of a store's runs, its hypervolume and its knee", flags, &run);
  verb.positional("STORE", flags->store, "The store");
  verb.text("--x", flags->x, "Metric of the horizontal axis, e.g. decode_tokens_per_s", {.required = true});
  verb.text("--y", flags->y, "Metric of the vertical axis, e.g. perplexity", {.required = true});
  verb.number("--sweep", flags->sweep, "Runs of this sweep only; 0: all", {0, std::int64_t{1} << 53});
  verb.text("--svg", flags->svg, "Write the front as a picture");
  verb.text("--csv", flags->csv, "Write every point as a CSV file");
}

}  // namespace ts::cli
