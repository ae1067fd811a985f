// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pages/front_plot.h"

#include <QCoreApplication>
#include <QLocale>
#include <QRegularExpression>
#include <algorithm>
#include <map>

#include "experiments/analysis/front_reading.h"
#include "experiments/spec/constraints.h"
#include "widgets/base/text.h"
#include "widgets/base/theme.h"
#include "widgets/runs/metric_text.h"

namespace ts {
namespace {

QString tr(const char* words) { return QCoreApplication::translate("ts::front", words); }

/// Ids without parameters: "q4:group=32 + h2o:budget=0.2" is of the kind "q4 + h2o".
std::string kindOf(const RunRecord& run, const std::string& colourBy) {
  if (colourBy == "technique") return techniqueOf(run);
  const auto it = run.settings.find(colourBy);
  if (it == run.settings.end() || it->second.empty()) return "";
  QString value = text(it->second);
  value.remove(QRegularExpression(QStringLiteral("[:(][^+;|]*?(?=( \\+ |; | \\| |$))")));
  return utf8(value);
}

QString kindTitle(const std::string& kind, const std::string& colourBy) {
  if (colourBy == "technique") return techniqueTitle(kind);
  return kind.empty() ? tr("off") : text(kind);
}

PlotAxis axisOf(const std::string& metric, bool logarithmic, std::optional<double> limit) {
  PlotAxis axis;
  axis.title = metricAxisTitle(metric);
  axis.logarithmic = logarithmic;
  axis.higherIsBetter = betterDirection(metric) == Direction::Maximize;
  axis.limit = limit;
  axis.label = [metric](double v) { return metricValueText(metric, v); };
  return axis;
}

bool within(double value, const PlotAxis& axis) {
  return !axis.limit || (axis.higherIsBetter ? value >= *axis.limit : value <= *axis.limit);
}

}  // namespace

FrontPicture makeFrontPicture(const std::vector<RunRecord>& runs, const FrontChoice& choice) {
  FrontPicture picture;
  PlotData& plot = picture.plot;
  plot.x = axisOf(choice.x, choice.xLogarithmic, choice.xLimit);
  plot.y = axisOf(choice.y, choice.yLogarithmic, choice.yLimit);
  plot.errorBars = choice.errorBars;
  plot.focusOnFront = choice.focusOnFront;

  std::vector<RunRecord> wanted, unwanted;
  for (const RunRecord& run : runs) {
    const auto x = run.metrics.find(choice.x), y = run.metrics.find(choice.y);
    if (run.state != RunState::Done || x == run.metrics.end() || y == run.metrics.end()) continue;
    (within(x->second.value, plot.x) && within(y->second.value, plot.y) ? wanted : unwanted).push_back(run);
  }
  picture.front = paretoFront(wanted, choice.x, choice.y);
  picture.outside = static_cast<int>(unwanted.size());

  std::map<std::int64_t, const RunRecord*> byId;
  for (const auto* list : {&wanted, &unwanted})
    for (const RunRecord& run : *list) byId[run.id] = &run;

  // Colours are given in the order of the kinds' names, the baseline first, so that they stay as points come in.
  std::map<std::pair<bool, std::string>, int> kinds;
  for (const auto& [id, run] : byId) {
    const std::string kind = kindOf(*run, choice.colourBy);
    kinds[{kind != "dense" && !kind.empty(), kind}] = 0;
  }
  const bool neutralFirst = !kinds.empty() && !kinds.begin()->first.first;
  int next = 0;
  for (auto& [kind, index] : kinds) {
    index = next++;
    const int colour = neutralFirst ? index : index + 1;
    plot.series << PlotSeries{kindTitle(kind.second, choice.colourBy), colour % kSeriesColours, static_cast<Marker>(index % 6)};
  }
  const auto add = [&](std::int64_t id, double x, double y, double xe, double ye, bool onFront, bool feasible) {
    const RunRecord& run = *byId.at(id);
    const std::string kind = kindOf(run, choice.colourBy);
    plot.points << PlotPoint{id, x, y, xe, ye, kinds.at({kind != "dense" && !kind.empty(), kind}), onFront, feasible, planTitle(run)};
  };
  for (const FrontPoint& p : picture.front.points) add(p.run, p.x, p.y, p.xError, p.yError, p.onFront, true);
  for (const RunRecord& run : unwanted)
    add(run.id, run.metrics.at(choice.x).value, run.metrics.at(choice.y).value, 0, 0, false, false);
  for (const std::size_t i : picture.front.front) plot.front << static_cast<int>(i);
  if (picture.front.knee) plot.knee = static_cast<int>(*picture.front.knee);
  return picture;
}

QString describe(const FrontPicture& picture, const std::vector<RunRecord>& runs, const FrontChoice& choice) {
  const Front& front = picture.front;
  if (front.points.empty())
    return picture.outside ? tr("No run is within the limits; %1 lie outside. Loosen a limit to see a front.").arg(picture.outside) : QString();
  const auto nameOf = [&](std::int64_t id) {
    const auto it = std::find_if(runs.begin(), runs.end(), [&](const RunRecord& r) { return r.id == id; });
    return it == runs.end() ? QString() : planTitle(*it);
  };
  const auto at = [&](const FrontPoint& p) {
    return tr("%1 (run %2; %3 %4, %5 %6)").arg(nameOf(p.run)).arg(p.run)
        .arg(metricTitle(choice.x), metricValueText(choice.x, p.x), metricTitle(choice.y), metricValueText(choice.y, p.y));
  };
  QStringList sentences;
  std::vector<RunRecord> shown;
  for (const FrontPoint& p : front.points)
    if (const auto it = std::ranges::find(runs, p.run, &RunRecord::id); it != runs.end()) shown.push_back(*it);
  for (const std::string& why : notComparable(shown)) sentences << tr("Mind: %1.").arg(text(why));
  if (const std::string noisy = noisyAmong(shown, choice.x, choice.y); !noisy.empty()) sentences << tr("Mind: %1.").arg(text(noisy));
  sentences << tr("%1 of %2 runs are on the front: nothing else is as good in both.").arg(front.front.size()).arg(front.points.size());
  if (picture.outside) sentences << tr("%1 runs lie outside the limits.").arg(picture.outside);
  const auto best = [&](bool byX) {
    const FrontPoint* found = nullptr;
    const bool up = betterDirection(byX ? choice.x : choice.y) == Direction::Maximize;
    for (const std::size_t i : front.front) {
      const FrontPoint& p = front.points[i];
      const double v = byX ? p.x : p.y;
      if (!found || (up ? v > (byX ? found->x : found->y) : v < (byX ? found->x : found->y))) found = &p;
    }
    return found;
  };
  if (const auto* p = best(true)) sentences << tr("Best %1: %2.").arg(metricTitle(choice.x).toLower(), at(*p));
  if (const auto* p = best(false)) sentences << tr("Best %1: %2.").arg(metricTitle(choice.y).toLower(), at(*p));
  if (front.knee) sentences << tr("The knee, where giving up more of one stops buying much of the other: %1.").arg(at(front.points[*front.knee]));
  // Without the scored items, which the page does not load, differences are judged by the errors alone.
  const FrontReading reading = readFront(front, runs, choice.x, choice.y, [](std::int64_t) { return std::vector<SampleRecord>(); });
  if (!reading.method.empty()) {
    constexpr qsizetype kNamed = 3;
    QStringList unsure;
    for (const FrontTest& test : reading.tests)
      if (test.corrected >= 0.05)
        unsure << tr("run %1 and run %2 in %3").arg(test.a).arg(test.b).arg(metricTitle(test.metric).toLower());
    if (const qsizetype more = unsure.size() - kNamed; more > 0) unsure = unsure.mid(0, kNamed) << tr("%1 more").arg(more);
    sentences << (unsure.isEmpty()
                      ? tr("Every step along the front, and from the baseline to it, is real at 95 % (%1, by standard errors).").arg(text(reading.method))
                      : tr("Not shown to be real at 95 % (%1, by standard errors; Compare looks at the items): %2.").arg(text(reading.method), unsure.join(QStringLiteral("; "))));
  }
  QStringList infeasible;
  for (const std::size_t i : front.front) {
    const auto it = std::ranges::find(shown, front.points[i].run, &RunRecord::id);
    if (it == shown.end() || !it->provenance.contains("constraints")) continue;
    std::map<std::string, double> metrics;
    for (const auto& [name, metric] : it->metrics) metrics[name] = metric.value;
    for (const std::string& broken : violated(constraintsFrom(it->provenance.at("constraints")), metrics))
      infeasible << tr("run %1 (not %2)").arg(it->id).arg(text(broken));
  }
  if (!infeasible.isEmpty()) sentences << tr("On the front but outside their sweep's constraints: %1.").arg(infeasible.join(QStringLiteral(", ")));
  sentences << tr("The front dominates %1 % of the area the runs span.").arg(QLocale().toString(front.hypervolume * 100, 'f', 0));
  return sentences.join(QLatin1Char(' '));
}

std::optional<double> parseQuantity(const QString& input) {
  static const QRegularExpression form(QStringLiteral("^\\s*([-+0-9.,eE]+)\\s*([kMG]?)i?B?\\s*$"));
  const auto match = form.match(input);
  if (!match.hasMatch()) return std::nullopt;
  bool ok = false;
  double value = QLocale().toDouble(match.captured(1), &ok);
  if (!ok) value = QLocale::c().toDouble(match.captured(1), &ok);
  if (!ok) return std::nullopt;
  const QString unit = match.captured(2);
  return value * (unit == QStringLiteral("k") ? 1e3 : unit == QStringLiteral("M") ? 1e6 : unit == QStringLiteral("G") ? 1e9 : 1);
}

}  // namespace ts
