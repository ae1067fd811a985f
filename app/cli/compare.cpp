// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/runs.h"
#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "experiments/analysis/label.h"
#include "experiments/analysis/pair_reading.h"
#include "experiments/store/metrics.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string store;
  std::int64_t a = 0, b = 0, items = 5;
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

Json jsonOf(const PairReading& items) {
  Json list = Json::array();
  for (const ItemDifference& d : items.shown) {
    Json entry{{"item", d.item}, {"a", d.a}, {"b", d.b}};
    if (const auto text = items.texts.find(d.item); text != items.texts.end()) entry["text"] = text->second.question;
    for (const auto& [name, choice] : {std::pair{"answer_a", d.answerA}, std::pair{"answer_b", d.answerB}, std::pair{"gold", d.gold}})
      if (choice) entry[name] = {{"choice", *choice}, {"text", choiceText(items, d.item, choice)}};
    list.push_back(std::move(entry));
  }
  return {{"value", items.items.value}, {"n", items.items.items}, {"only_a", items.items.onlyA}, {"only_b", items.items.onlyB},
          {"other_answer", items.items.otherAnswer}, {"list", list}};
}

void print(const PairReading& items) {
  const Disagreement& all = items.items;
  if (all.items == 0) return;
  if (all.value == "nll") {
    std::cout << "\nOf " << countText(all.items) << " items A predicts " << countText(all.onlyA) << " better, B " << countText(all.onlyB)
              << ". Those that differ most (negative log-likelihood a token, A and B):\n";
  } else {
    std::cout << "\nOf " << countText(all.items) << " items only A has " << countText(all.onlyA) << " right, only B " << countText(all.onlyB) << "; "
              << countText(all.otherAnswer) << " more have another answer that is as right or wrong.\n";
  }
  for (const ItemDifference& d : items.shown) {
    const auto text = items.texts.find(d.item);
    std::cout << "\n  item " << d.item;
    if (all.value == "nll") std::cout << "  " << numberText(d.a) << "  " << numberText(d.b);
    if (text != items.texts.end()) std::cout << "  " << oneLine(text->second.question, 160);
    std::cout << "\n";
    if (all.value == "nll") continue;
    const auto line = [&](const char* who, const std::optional<int>& choice, double right) {
      std::cout << "    " << who << (right > 0.5 ? "right" : "wrong");
      if (choice) std::cout << ": " << oneLine(choiceText(items, d.item, choice), 60);
      std::cout << "\n";
    };
    line("A ", d.answerA, d.a);
    line("B ", d.answerB, d.b);
    if (d.gold) std::cout << "    it is " << oneLine(choiceText(items, d.item, d.gold), 60) << "\n";
  }
  if (items.shown.size() < all.differ.size())
    std::cout << "\n  and " << countText(static_cast<std::int64_t>(all.differ.size() - items.shown.size())) << " more (--items)\n";
}

void print(const RunRecord& a, const RunRecord& b, const PairReading& items, const std::vector<std::string>& notes) {
  const Comparison& c = items.comparison;
  std::cout << "A: run " << a.id << "  " << shortName(a) << "\nB: run " << b.id << "  " << shortName(b) << "\n\n";
  if (const MetricDifference* m = mainMetric(a.task, c)) std::cout << answerText(*m) << "\n\n";
  if (c.differs.empty()) {
    std::cout << "No setting differs.\n";
  } else {
    Table settings({"setting", "A", "B"});
    for (const SettingDifference& d : c.differs) settings.add({d.name, d.a.empty() ? "–" : d.a, d.b.empty() ? "–" : d.b});
    settings.print(std::cout);
  }
  std::cout << "\n";
  Table metrics({"metric", "A", "B", "95 % of B - A", "B against A"});
  for (const MetricDifference& m : c.metrics)
    metrics.add({titleOf(m.metric), formatValue(m.metric, m.a), formatValue(m.metric, m.b), intervalText(m), verdict(m)});
  metrics.print(std::cout);
  print(items);
  for (const std::string& note : notes) std::cout << "note: " << note << "\n";
}

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(const std::unique_ptr<Store> store, openStore(flags.store));
  TS_TRY(const RunRecord a, store->run(flags.a));
  TS_TRY(const RunRecord b, store->run(flags.b));
  TS_TRY(const std::vector<SampleRecord> samplesA, store->samples(a.id));
  TS_TRY(const std::vector<SampleRecord> samplesB, store->samples(b.id));
  const PairReading reading = readPair(a, b, samplesA, samplesB, static_cast<std::size_t>(flags.items));
  const Comparison& comparison = reading.comparison;
  std::vector<std::string> notes = comparison.warnings;
  if (!reading.textProblem.empty()) notes.push_back("the items' texts are not shown: " + reading.textProblem);
  if (!shell.json) print(a, b, reading, notes);
  Json differs = Json::object(), metrics = Json::object();
  for (const SettingDifference& d : comparison.differs) differs[d.name] = {d.a, d.b};
  for (const MetricDifference& m : comparison.metrics) metrics[m.metric] = jsonOf(m);
  const MetricDifference* answer = mainMetric(a.task, comparison);
  return Json{{"runs", {a.id, b.id}}, {"plans", {shortName(a), shortName(b)}}, {"differs", differs}, {"metrics", metrics}, {"notes", notes},
              {"answer", answer ? Json(answerText(*answer)) : Json()}, {"items", jsonOf(reading)}};
}

}  // namespace

void addCompare(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "compare", "What exactly differs between two runs, and whether it is real", flags, &run);
  verb.positional("STORE", flags->store, "The store");
  verb.positional("A", flags->a, "The number of a run");
  verb.positional("B", flags->b, "The number of the run to compare with it");
  verb.number("--items", flags->items, "Show so many of the items on which the two differ", {0, 1 << 30});
}

}  // namespace ts::cli
