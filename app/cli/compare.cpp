// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/compare.h"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "app/cli/runs.h"
#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "engine/evaluation/item_text.h"
#include "engine/evaluation/task.h"
#include "experiments/analysis/items.h"
#include "experiments/analysis/label.h"
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

/// The metric that the task itself is about.
const MetricDifference* mainMetric(const RunRecord& run, const Comparison& c) {
  const Task* task = findTask(run.task);
  if (!task) return nullptr;
  const auto found = std::ranges::find(c.metrics, task->metrics.front(), &MetricDifference::metric);
  return found == c.metrics.end() ? nullptr : &*found;
}

std::string intervalText(const MetricDifference& m) {
  if (!m.low || !m.high) return "–";
  return formatValue(m.metric, *m.low) + " to " + formatValue(m.metric, *m.high);
}

/// The question people ask, answered in a sentence with its interval.
std::string answerTo(const MetricDifference& m) {
  std::string text = m.sentence;
  if (m.low && m.high) text += ". 95 % interval of the difference: " + intervalText(m);
  if (!m.method.empty()) text += " (" + m.method + (m.n > 0 ? " over " + countText(m.n) + " items" : "") + ")";
  return text + ".";
}

/// On one line, at most so many characters.
std::string shortened(const std::string& text, std::size_t most) {
  std::string out;
  for (const char c : text) out += c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
  while (out.find("  ") != std::string::npos) out.erase(out.find("  "), 1);
  if (out.starts_with(' ')) out.erase(0, 1);
  if (out.size() <= most) return out;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end) + " ...";
}

/// Texts of the items, where the data that was scored is still there.
std::map<std::int64_t, ItemText> textsOf(const RunRecord& run, const std::vector<SampleRecord>& samples, const std::vector<ItemDifference>& items,
                                         std::vector<std::string>& notes) {
  const auto own = run.settings.find("task.data");
  const auto data = taskData(run.task, own == run.settings.end() ? "" : own->second);
  if (!data || data->bytes.empty() || data->fingerprint != run.dataFingerprint) {
    if (!data || !data->bytes.empty())
      notes.push_back("the items' texts are not shown: " + (data ? "the task's data are no longer those that were scored" : data.error().message));
    return {};
  }
  std::vector<Sample> wanted;
  for (const SampleRecord& s : samples)
    if (std::ranges::find(items, s.item, &ItemDifference::item) != items.end()) wanted.push_back({s.item, s.values, {}});
  const auto texts = itemTexts(*data, wanted);
  return texts ? *texts : std::map<std::int64_t, ItemText>();
}

/// Everything `compare` says about items.
struct Items {
  Disagreement all;
  std::vector<ItemDifference> shown;
  std::map<std::int64_t, ItemText> texts;
};

std::string choiceText(const Items& items, std::int64_t item, const std::optional<int>& choice) {
  if (!choice) return "";
  const auto text = items.texts.find(item);
  const auto at = static_cast<std::size_t>(*choice);
  return text != items.texts.end() && at < text->second.choices.size() ? shortened(text->second.choices[at], 60) : std::to_string(*choice);
}

Json jsonOf(const Items& items) {
  Json list = Json::array();
  for (const ItemDifference& d : items.shown) {
    Json entry{{"item", d.item}, {"a", d.a}, {"b", d.b}};
    if (const auto text = items.texts.find(d.item); text != items.texts.end()) entry["text"] = text->second.question;
    for (const auto& [name, choice] : {std::pair{"answer_a", d.answerA}, std::pair{"answer_b", d.answerB}, std::pair{"gold", d.gold}})
      if (choice) entry[name] = {{"choice", *choice}, {"text", choiceText(items, d.item, choice)}};
    list.push_back(std::move(entry));
  }
  return {{"value", items.all.value}, {"n", items.all.items}, {"only_a", items.all.onlyA}, {"only_b", items.all.onlyB},
          {"other_answer", items.all.otherAnswer}, {"list", list}};
}

void print(const Items& items) {
  const Disagreement& all = items.all;
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
    if (text != items.texts.end()) std::cout << "  " << shortened(text->second.question, 160);
    std::cout << "\n";
    if (all.value == "nll") continue;
    const auto line = [&](const char* who, const std::optional<int>& choice, double right) {
      std::cout << "    " << who << (right > 0.5 ? "right" : "wrong");
      if (choice) std::cout << ": " << choiceText(items, d.item, choice);
      std::cout << "\n";
    };
    line("A ", d.answerA, d.a);
    line("B ", d.answerB, d.b);
    if (d.gold) std::cout << "    it is " << choiceText(items, d.item, d.gold) << "\n";
  }
  if (items.shown.size() < all.differ.size())
    std::cout << "\n  and " << countText(static_cast<std::int64_t>(all.differ.size() - items.shown.size())) << " more (--items)\n";
}

void print(const RunRecord& a, const RunRecord& b, const Comparison& c, const Items& items, const std::vector<std::string>& notes) {
  std::cout << "A: run " << a.id << "  " << shortName(a) << "\nB: run " << b.id << "  " << shortName(b) << "\n\n";
  if (const MetricDifference* m = mainMetric(a, c)) std::cout << answerTo(*m) << "\n\n";
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
  const Comparison comparison = compareRuns(a, b, samplesA, samplesB);
  std::vector<std::string> notes = comparison.warnings;
  Items items;
  if (a.task == b.task && a.dataFingerprint == b.dataFingerprint) {
    const Task* task = findTask(a.task);
    items.all = disagreement(samplesA, samplesB, task && task->metrics.front() == "acc_norm");
    const auto most = std::min(items.all.differ.size(), static_cast<std::size_t>(flags.items));
    items.shown.assign(items.all.differ.begin(), items.all.differ.begin() + static_cast<std::ptrdiff_t>(most));
    if (most > 0) items.texts = textsOf(a, samplesA, items.shown, notes);
  }
  if (!shell.json) print(a, b, comparison, items, notes);
  Json differs = Json::object(), metrics = Json::object();
  for (const SettingDifference& d : comparison.differs) differs[d.name] = {d.a, d.b};
  for (const MetricDifference& m : comparison.metrics) metrics[m.metric] = jsonOf(m);
  const MetricDifference* answer = mainMetric(a, comparison);
  return Json{{"runs", {a.id, b.id}}, {"plans", {shortName(a), shortName(b)}}, {"differs", differs}, {"metrics", metrics}, {"notes", notes},
              {"answer", answer ? Json(answerTo(*answer)) : Json()}, {"items", jsonOf(items)}};
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
