// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/pair_reading.h"

#include <algorithm>

#include "engine/evaluation/task.h"

namespace ts {
namespace {

void readTexts(const RunRecord& run, const std::vector<SampleRecord>& samples, PairReading& reading) {
  const auto own = run.settings.find("task.data");
  const auto data = taskData(run.task, own == run.settings.end() ? "" : own->second);
  if (!data) {
    reading.textProblem = data.error().message;
    return;
  }
  if (data->bytes.empty()) return;  // a task that makes its items
  if (data->fingerprint != run.dataFingerprint) {
    reading.textProblem = "the task's data are no longer those that were scored";
    return;
  }
  std::vector<Sample> wanted;
  for (const SampleRecord& s : samples)
    if (std::ranges::find(reading.shown, s.item, &ItemDifference::item) != reading.shown.end()) wanted.push_back({s.item, s.values, {}});
  if (auto texts = itemTexts(*data, wanted))
    reading.texts = std::move(*texts);
  else
    reading.textProblem = texts.error().message;
}

}  // namespace

PairReading readPair(const RunRecord& a, const RunRecord& b, const std::vector<SampleRecord>& samplesA,
                     const std::vector<SampleRecord>& samplesB, std::size_t most) {
  PairReading reading{.comparison = compareRuns(a, b, samplesA, samplesB)};
  if (!sameItems(a, b)) return reading;
  const Task* task = findTask(a.task);
  reading.items = disagreement(samplesA, samplesB, task && task->metrics.front() == "acc_norm");
  const auto& differ = reading.items.differ;
  reading.shown.assign(differ.begin(), differ.begin() + static_cast<std::ptrdiff_t>(std::min(differ.size(), most)));
  if (!reading.shown.empty()) readTexts(a, samplesA, reading);
  return reading;
}

std::string choiceText(const PairReading& reading, std::int64_t item, const std::optional<int>& choice) {
  if (!choice) return "";
  const auto text = reading.texts.find(item);
  const auto at = static_cast<std::size_t>(*choice);
  return text != reading.texts.end() && at < text->second.choices.size() ? text->second.choices[at] : std::to_string(*choice);
}

std::string oneLine(const std::string& text, std::size_t most) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  if (out.size() <= most) return out;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end) + " ...";
}

}  // namespace ts
