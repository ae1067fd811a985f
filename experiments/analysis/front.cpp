// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/front.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ts {
namespace {

const MetricValue* finite(const RunRecord& run, const std::string& metric) {
  const auto it = run.metrics.find(metric);
  return it != run.metrics.end() && std::isfinite(it->second.value) ? &it->second : nullptr;
}

/// Both axes turned so that less is better and scaled to 0 (best of all points) .. 1 (worst).
struct Scaled {
  double x, y;
};

std::vector<Scaled> scaled(const std::vector<FrontPoint>& points, Direction xBetter, Direction yBetter) {
  const auto axis = [&](auto value, Direction better) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const FrontPoint& p : points) {
      low = std::min(low, value(p));
      high = std::max(high, value(p));
    }
    const double range = high > low ? high - low : 1;
    return
        [=](const FrontPoint& p) { return (better == Direction::Minimize ? value(p) - low : high - value(p)) / range; };
  };
  const auto x = axis([](const FrontPoint& p) { return p.x; }, xBetter);
  const auto y = axis([](const FrontPoint& p) { return p.y; }, yBetter);
  std::vector<Scaled> out;
  for (const FrontPoint& p : points) out.push_back({x(p), y(p)});
  return out;
}

/// Sweep by rising x: a point is dominated when an earlier or equal x reached a better y (Kung, Luccio and Preparata,
/// 1975).
void markFront(std::vector<FrontPoint>& points, const std::vector<Scaled>& at) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return std::pair(at[a].x, at[a].y) < std::pair(at[b].x, at[b].y); });
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Scaled& p = at[order[i]];
    const bool equal = i > 0 && at[order[i - 1]].x == p.x && at[order[i - 1]].y == p.y && points[order[i - 1]].onFront;
    if (p.y < best || equal) points[order[i]].onFront = true;
    best = std::min(best, p.y);
  }
}

double dominatedShare(const std::vector<Scaled>& at, const std::vector<std::size_t>& front) {
  std::vector<Scaled> corner;
  for (const std::size_t i : front) corner.push_back(at[i]);
  std::ranges::sort(corner, {}, &Scaled::x);
  double area = 0, y = 1;
  for (const Scaled& p : corner) {
    area += (1 - p.x) * std::max(0.0, y - p.y);
    y = std::min(y, p.y);
  }
  return area;
}

std::optional<std::size_t> kneeOf(const std::vector<Scaled>& at, const std::vector<std::size_t>& front) {
  if (front.size() < 3) return std::nullopt;
  const auto [first, last] = std::ranges::minmax(front, {}, [&](std::size_t i) { return at[i].x; });
  const Scaled a = at[first], b = at[last];
  std::optional<std::size_t> knee;
  double farthest = 1e-9;
  for (const std::size_t i : front) {
    const double distance =
        (b.x - a.x) * (a.y - at[i].y) - (a.x - at[i].x) * (b.y - a.y);  // > 0: towards the ideal corner
    if (distance > farthest) {
      farthest = distance;
      knee = i;
    }
  }
  return knee;
}

}  // namespace

Front paretoFront(const std::vector<RunRecord>& runs, const std::string& x, const std::string& y) {
  Front front;
  for (const RunRecord& run : runs) {
    const MetricValue *xv = finite(run, x), *yv = finite(run, y);
    if (!xv || !yv) continue;
    front.points.push_back({.run = run.id,
                            .x = xv->value,
                            .y = yv->value,
                            .xError = xv->stderr_.value_or(0),
                            .yError = yv->stderr_.value_or(0)});
  }
  if (front.points.empty()) return front;

  const Direction xBetter = betterDirection(x), yBetter = betterDirection(y);
  const std::vector<Scaled> at = scaled(front.points, xBetter, yBetter);
  markFront(front.points, at);
  for (std::size_t i = 0; i < front.points.size(); ++i)
    if (front.points[i].onFront) front.front.push_back(i);
  std::ranges::stable_sort(front.front, {}, [&](std::size_t i) { return front.points[i].x; });

  const auto worst = [&](auto member, Direction better) {
    const auto [low, high] = std::ranges::minmax(front.points, {}, member);
    return better == Direction::Minimize ? high.*member : low.*member;
  };
  const auto ranges = [&](auto member) {
    const auto [low, high] = std::ranges::minmax(front.points, {}, member);
    return high.*member > low.*member;
  };
  front.reference = {worst(&FrontPoint::x, xBetter), worst(&FrontPoint::y, yBetter)};
  if (ranges(&FrontPoint::x) && ranges(&FrontPoint::y)) front.hypervolume = dominatedShare(at, front.front);
  front.knee = kneeOf(at, front.front);
  return front;
}

}  // namespace ts
