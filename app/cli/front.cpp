// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/front.h"

#include <iostream>

#include "app/cli/runs.h"
#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "experiments/analysis/front_svg.h"
#include "experiments/analysis/label.h"
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

void print(const Front& front, const Flags& flags, const std::map<std::int64_t, std::string>& labels) {
  Table table({"run", titleOf(flags.x), titleOf(flags.y), "", "plan"});
  for (const std::size_t i : front.front) {
    const FrontPoint& p = front.points[i];
    table.add({std::to_string(p.run), cell(flags.x, p.x, p.xError), cell(flags.y, p.y, p.yError), front.knee == i ? "◆ knee" : "", labels.at(p.run)});
  }
  table.print(std::cout);
  std::cout << "\n" << front.front.size() << " of " << front.points.size() << " runs are on the front; hypervolume " << numberText(front.hypervolume)
            << " of the box between the points' extremes\n";
}

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(const std::unique_ptr<Store> store, openStore(flags.store));
  TS_TRY(const std::vector<RunRecord> runs, store->runs(flags.sweep));
  TS_CHECK(metricExists(runs, flags.x, "--x"));
  TS_CHECK(metricExists(runs, flags.y, "--y"));
  const Front front = paretoFront(runs, flags.x, flags.y);
  std::map<std::int64_t, std::string> labels;
  for (const RunRecord& r : runs) labels[r.id] = shortName(r);

  const std::vector<std::string> warnings = notComparable(runs);
  if (!flags.svg.empty()) TS_CHECK(replaceFile(flags.svg, frontSvg(front, runs, {.title = "Pareto front of " + flags.store, .x = flags.x, .y = flags.y})));
  if (!flags.csv.empty()) TS_CHECK(replaceFile(flags.csv, csvOf(front, flags.x, flags.y, labels)));
  if (!shell.json) {
    print(front, flags, labels);
    for (const std::string& w : warnings) std::cout << "note: " << w << "\n";
  }

  Json points = Json::array();
  for (const std::size_t i : front.front) {
    const FrontPoint& p = front.points[i];
    points.push_back({{"run", p.run}, {"x", p.x}, {"y", p.y}, {"x_error", p.xError}, {"y_error", p.yError}, {"plan", labels.at(p.run)}});
  }
  Json j{{"x", flags.x}, {"y", flags.y}, {"points", points}, {"dominated", front.points.size() - front.front.size()},
         {"hypervolume", front.hypervolume}, {"reference", {front.reference.first, front.reference.second}}, {"knee", nullptr}, {"notes", warnings}};
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
