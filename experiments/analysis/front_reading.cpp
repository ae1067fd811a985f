// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/front_reading.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "experiments/analysis/compare.h"
#include "experiments/analysis/label.h"
#include "experiments/store/metrics.h"

namespace ts {
namespace {

constexpr double kLevel = 0.05;

std::string pText(double p) {
  return p < 0.001 ? "p < 0.001" : "p = " + formatValue("", p);
}

std::string sentence(const FrontTest& test, const std::map<std::int64_t, const RunRecord*>& byId) {
  const auto who = [&](std::int64_t run) { return "run " + std::to_string(run) + " (" + shortName(*byId.at(run)) + ")"; };
  return titleOf(test.metric) + " of " + who(test.b) + " and " + (test.withBaseline ? "the baseline, " : "") + who(test.a) +
         " may differ by chance (" + test.method + ", corrected " + pText(test.corrected) + ")";
}

}  // namespace

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> corrected(p.size());
  double least = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    least = std::max(least, std::min(1.0, static_cast<double>(p.size() - rank) * p[order[rank]]));
    corrected[order[rank]] = least;
  }
  return corrected;
}

bool isBaseline(const RunRecord& run) {
  return shortName(run) == "dense";
}

FrontReading readFront(const Front& front, const std::vector<RunRecord>& runs, const std::string& x, const std::string& y,
                       const SamplesOf& samples) {
  FrontReading reading;
  std::map<std::int64_t, const RunRecord*> byId;
  for (const RunRecord& run : runs) byId[run.id] = &run;
  std::map<std::int64_t, std::vector<SampleRecord>> kept;
  const auto samplesOf = [&](std::int64_t run) -> const std::vector<SampleRecord>& {
    const auto it = kept.find(run);
    return it != kept.end() ? it->second : kept.emplace(run, samples(run)).first->second;
  };
  std::set<std::pair<std::int64_t, std::int64_t>> done;
  const auto compare = [&](std::int64_t a, std::int64_t b, bool withBaseline) {
    if (a == b || !done.insert(std::minmax(a, b)).second) return;
    const Comparison comparison = compareRuns(*byId.at(a), *byId.at(b), samplesOf(a), samplesOf(b));
    for (const MetricDifference& d : comparison.metrics)
      if ((d.metric == x || d.metric == y) && d.p)
        reading.tests.push_back({a, b, d.metric, withBaseline, d.difference, *d.p, 1, d.method});
  };
  for (std::size_t i = 1; i < front.front.size(); ++i)
    compare(front.points[front.front[i - 1]].run, front.points[front.front[i]].run, false);
  const auto baseline = std::ranges::find_if(front.points, [&](const FrontPoint& p) { return isBaseline(*byId.at(p.run)); });
  if (baseline != front.points.end())
    for (const std::size_t i : front.front) compare(baseline->run, front.points[i].run, true);

  std::vector<double> p;
  for (const FrontTest& test : reading.tests) p.push_back(test.p);
  const std::vector<double> corrected = holm(p);
  for (std::size_t i = 0; i < corrected.size(); ++i) {
    reading.tests[i].corrected = corrected[i];
    if (corrected[i] >= kLevel) reading.sentences.push_back(sentence(reading.tests[i], byId));
  }
  if (!p.empty()) reading.method = "Holm's correction over " + std::to_string(p.size()) + " comparisons";
  return reading;
}

std::string noisyAmong(const std::vector<RunRecord>& runs, const std::string& x, const std::string& y) {
  const auto timed = [](const std::string& metric) {
    return unitOf(metric) == "ms" || unitOf(metric) == "tokens/s" || unitOf(metric) == "bits/ms";
  };
  if (!timed(x) && !timed(y)) return "";
  std::string names;
  int count = 0;
  for (const RunRecord& run : runs)
    if (run.noisy && run.state == RunState::Done) names += (count++ ? ", " : "") + std::to_string(run.id);
  if (count == 0) return "";
  return (count == 1 ? "run " : "runs ") + names + (count == 1 ? " was" : " were") +
         " timed while the machine was noisy: do not trust small differences in speed";
}

std::vector<std::string> notComparable(const std::vector<RunRecord>& runs) {
  std::set<std::string> models, hosts, isas, tasks, data, contexts, engines, benches, builds, threads, seeds;
  const auto setting = [](const std::map<std::string, std::string>& of, const char* name) {
    const auto it = of.find(name);
    return it == of.end() ? std::string() : it->second;
  };
  for (const RunRecord& run : runs) {
    if (run.state != RunState::Done) continue;
    models.insert(run.model.fingerprint);
    hosts.insert(run.host.name + "/" + run.host.cpu + "/" + std::to_string(run.host.cores));
    if (const std::string isa = setting(run.provenance, "isa"); !isa.empty()) isas.insert(isa);
    tasks.insert(run.task);
    data.insert(run.dataFingerprint);
    contexts.insert(setting(run.settings, "task.context") + "/" + setting(run.settings, "task.limit") + "/" +
                    setting(run.settings, "task.until_stderr"));
    if (const std::string used = setting(run.provenance, "threads"); !used.empty()) threads.insert(used);
    seeds.insert(std::to_string(run.seed));
    benches.insert(setting(run.settings, "bench.prompt") + "/" + setting(run.settings, "bench.generate") + "/" +
                   setting(run.settings, "bench.depth"));
    engines.insert(run.engineVersion);
    builds.insert(setting(run.provenance, "build.type") + " " + setting(run.provenance, "build.flags"));
  }
  std::vector<std::string> warnings;
  const auto differ = [&](const std::set<std::string>& values, const char* what) {
    if (values.size() > 1)
      warnings.push_back("these runs differ in " + std::string(what) + " (" + std::to_string(values.size()) +
                         "): their numbers are not of one experiment");
  };
  differ(models, "the model");
  differ(hosts, "the machine");
  differ(isas, "the instruction set");
  differ(tasks, "the task");
  differ(data, "the data");
  differ(contexts, "the task's context or number of items");
  differ(seeds, "the seed");
  differ(benches, "what was timed (prompt, generated tokens, depth)");
  differ(threads, "the number of threads that were timed");
  differ(engines, "the engine's version");
  if (engines.size() == 1) differ(builds, "how the program was built");
  return warnings;
}

}  // namespace ts
