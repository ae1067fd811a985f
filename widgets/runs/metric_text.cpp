// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/runs/metric_text.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <iterator>

#include "experiments/store/metrics.h"
#include "widgets/base/text.h"

namespace ts {
namespace {

struct Help {
  std::string_view metric;
  const char* text;
};

constexpr Help kHelp[] = {
    {"perplexity", QT_TRANSLATE_NOOP("ts::metric", "How surprised the model is by the text; lower is better")},
    {"bits_per_byte", QT_TRANSLATE_NOOP("ts::metric", "Perplexity in a form that does not depend on the tokenizer; lower is better")},
    {"acc", QT_TRANSLATE_NOOP("ts::metric", "Share of questions answered right")},
    {"acc_norm", QT_TRANSLATE_NOOP("ts::metric", "Share of questions answered right, choices compared per character")},
    {"kl_mean", QT_TRANSLATE_NOOP("ts::metric", "Mean divergence of the next-token distribution from the uncompressed model's")},
    {"same_top", QT_TRANSLATE_NOOP("ts::metric", "Share of positions whose most likely token is the uncompressed model's")},
    {"decode_tokens_per_s", QT_TRANSLATE_NOOP("ts::metric", "Tokens generated per second after the first")},
    {"prefill_tokens_per_s", QT_TRANSLATE_NOOP("ts::metric", "Prompt tokens read per second")},
    {"ttft_ms", QT_TRANSLATE_NOOP("ts::metric", "From the prompt to the first generated token")},
    {"bytes_total", QT_TRANSLATE_NOOP("ts::metric", "Weights, key/value rows, scratch and draft together")},
    {"peak_bytes", QT_TRANSLATE_NOOP("ts::metric", "Most memory the process ever held, as the system says")},
    {"bandwidth_used", QT_TRANSLATE_NOOP("ts::metric", "Bytes a decode step reads, as a share of what the machine can read in that time")},
    {"noise", QT_TRANSLATE_NOOP("ts::metric", "Change of a fixed probe before and after; above 0.1 the timing is not to be trusted")},
};

bool isBytes(std::string_view metric) { return unitOf(metric) == "bytes"; }

/// Shares of one, which people read in per cent.
bool isShare(std::string_view metric) {
  return unitOf(metric).empty() && (metric.starts_with("acc") || metric.starts_with("exact_match") || metric == "same_top" || metric == "bandwidth_used" || metric == "noise");
}

QString translate(const char* context, const char* source) { return QCoreApplication::translate(context, source); }

}  // namespace

QString metricTitle(std::string_view metric) {
  const std::string title = titleOf(metric);
  if (title != metric) return translate("ts::metric", title.c_str());
  return text(metric).replace(QLatin1Char('_'), QLatin1Char(' '));
}

QString metricHelp(std::string_view metric) {
  for (const Help& help : kHelp)
    if (help.metric == metric) return translate("ts::metric", help.text);
  return {};
}

QString metricAxisTitle(std::string_view metric) {
  const std::string unit = unitOf(metric);
  if (unit.empty() || isBytes(metric)) return metricTitle(metric);
  return QStringLiteral("%1 (%2)").arg(metricTitle(metric), text(unit));
}

QString metricValueText(std::string_view metric, double value) {
  if (isBytes(metric)) return bytesText(value);
  if (isShare(metric)) return numberText(value * 100, 3) + QStringLiteral(" %");
  return numberText(value);
}

QString metricText(std::string_view metric, const MetricValue& value) {
  if (isBytes(metric)) return bytesText(value.value);
  if (isShare(metric)) return withErrorText(value.value * 100, value.stderr_.value_or(0) * 100) + QStringLiteral(" %");
  return withErrorText(value.value, value.stderr_.value_or(0));
}

QString metricTextWithUnit(std::string_view metric, const MetricValue& value) {
  const std::string unit = unitOf(metric);
  if (unit == "s" && value.value < 0.1) return numberText(value.value * 1000, 3) + QChar(0x00a0) + QStringLiteral("ms");
  return unit.empty() || isBytes(metric) ? metricText(metric, value) : metricText(metric, value) + QChar(0x00a0) + text(unit);
}

bool MetricOrder::operator()(const std::string& a, const std::string& b) const {
  constexpr std::string_view order[] = {"perplexity", "bits_per_byte", "acc", "acc_norm", "kl_mean", "kl_median", "kl_p99", "kl_max", "same_top", "decode_tokens_per_s",
                                        "prefill_tokens_per_s", "ttft_ms", "itl_p50_ms", "itl_p90_ms", "itl_p99_ms", "bytes_total", "bytes_weights", "bytes_kv",
                                        "bytes_scratch", "bytes_draft", "peak_bytes"};
  const auto rank = [&](const std::string& name) { return std::find(std::begin(order), std::end(order), name) - std::begin(order); };
  const auto x = rank(a), y = rank(b);
  return x != y ? x < y : a < b;
}

QString settingTitle(std::string_view setting) { return text(setting).replace(QLatin1Char('.'), QStringLiteral(" · ")); }

QString stateText(RunState state) {
  switch (state) {
    case RunState::Queued: return translate("ts::state", QT_TRANSLATE_NOOP("ts::state", "Queued"));
    case RunState::Running: return translate("ts::state", QT_TRANSLATE_NOOP("ts::state", "Running"));
    case RunState::Done: return translate("ts::state", QT_TRANSLATE_NOOP("ts::state", "Done"));
    case RunState::Failed: return translate("ts::state", QT_TRANSLATE_NOOP("ts::state", "Failed"));
    case RunState::Refused: return translate("ts::state", QT_TRANSLATE_NOOP("ts::state", "Refused"));
    case RunState::Cancelled: return translate("ts::state", QT_TRANSLATE_NOOP("ts::state", "Cancelled"));
    case RunState::Interrupted: return translate("ts::state", QT_TRANSLATE_NOOP("ts::state", "Interrupted"));
  }
  return {};
}

QString stateIcon(RunState state) {
  static const char* const names[] = {"queued", "running", "done", "failed", "refused", "cancelled", "interrupted"};
  return QString::fromLatin1(names[static_cast<int>(state)]);
}

std::string techniqueOf(const RunRecord& run) {
  std::string technique;
  for (const char* family : {"weights", "kv", "decode"}) {
    const auto it = run.settings.find(family);
    if (it == run.settings.end() || it->second.empty() || it->second == "greedy" || it->second == "none") continue;
    if (!technique.empty()) technique += "+";
    technique += family;
  }
  return technique.empty() ? "dense" : technique;
}

QString techniqueTitle(const std::string& technique) {
  const auto tr = [](const char* s) { return translate("ts::technique", s); };
  if (technique == "dense") return tr("Dense");
  QStringList words;
  for (const QString& family : text(technique).split(QLatin1Char('+')))
    words << (family == QStringLiteral("weights") ? tr("weights") : family == QStringLiteral("kv") ? tr("KV") : tr("decoding"));
  QString title = words.join(QStringLiteral(" + "));
  title[0] = title[0].toUpper();
  return title;
}

QString planTitle(const RunRecord& run) {
  QStringList parts;
  for (const char* family : {"weights", "kv", "decode", "sample", "search"}) {
    const auto it = run.settings.find(family);
    if (it == run.settings.end() || it->second.empty()) continue;
    parts << (std::string_view(family) == "kv" ? translate("ts::technique", "KV %1").arg(text(it->second)) : text(it->second));
  }
  if (const auto it = run.settings.find("activations"); it != run.settings.end() && it->second != "f32")
    parts << translate("ts::technique", "%1 activations").arg(text(it->second));
  return parts.isEmpty() ? translate("ts::technique", "dense") : parts.join(QStringLiteral(" + "));
}

}  // namespace ts
