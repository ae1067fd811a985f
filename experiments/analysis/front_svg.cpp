// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/analysis/front_svg.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "experiments/analysis/axis.h"
#include "experiments/analysis/label.h"

namespace ts {
namespace {

std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 1).ptr;
  return {text, end};
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n')
      out += c;
  }
  return out;
}

struct Box {
  double left, top, right, bottom;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

constexpr double kCharacter = 6.3, kLine = 13;  // of the 11 px label font, on the safe side

/// Attributes rather than a style sheet: every renderer knows those.
constexpr const char* kGrid = "stroke=\"#e6e9ed\"";
constexpr const char* kFrame = "stroke=\"#9aa4af\"";
constexpr const char* kError = "stroke=\"#8fb3d2\" stroke-width=\"1.2\"";
constexpr const char* kFaintError = "stroke=\"#d5dae0\"";
constexpr const char* kLineOfFront = "fill=\"none\" stroke=\"#1f6fb2\" stroke-width=\"2\" stroke-linejoin=\"round\"";
constexpr const char* kOnFront = "r=\"5.5\" fill=\"#1f6fb2\" stroke=\"#ffffff\" stroke-width=\"1.2\"";
constexpr const char* kDominated = "width=\"7\" height=\"7\" fill=\"#ffffff\" stroke=\"#8894a1\" stroke-width=\"1.4\"";
constexpr const char* kKnee = "fill=\"none\" stroke=\"#d9720f\" stroke-width=\"2.2\"";
constexpr const char* kText = "font-size=\"12\" fill=\"#3c4550\"";
constexpr const char* kTitle = "font-size=\"16\" font-weight=\"bold\" fill=\"#1b2733\"";
constexpr const char* kNote = "font-size=\"11\" fill=\"#6b7682\"";
constexpr const char* kLabel = "font-size=\"11\" fill=\"#22303c\"";
constexpr const char* kHalo =
    "font-size=\"11\" fill=\"#ffffff\" stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\"";

class Drawing {
 public:
  Drawing(const Front& front, const std::vector<RunRecord>& runs, const FrontDrawing& what)
      : front_(front), what_(what) {
    for (const RunRecord& run : runs) runs_[run.id] = &run;
    std::vector<double> xs, ys;
    for (const FrontPoint& p : front.points) {
      xs.push_back(p.x);
      ys.push_back(p.y);
    }
    x_ = axisFor(what.x, xs, 7);
    y_ = axisFor(what.y, ys, 6);
    plot_ = {78, 56, what.width - 28.0, what.height - 64.0};
  }

  std::string text() {
    open();
    axes();
    line();
    points();
    labels();
    legend();
    return out_ + "</g>\n</svg>\n";
  }

 private:
  double px(double value) const { return plot_.left + x_.position(value) * (plot_.right - plot_.left); }
  double py(double value) const { return plot_.bottom - y_.position(value) * (plot_.bottom - plot_.top); }
  const RunRecord* runOf(const FrontPoint& p) const {
    const auto it = runs_.find(p.run);
    return it == runs_.end() ? nullptr : it->second;
  }
  static std::string at(const char* a, double x, const char* b, double y) {
    return std::string(" ") + a + "=\"" + number(x) + "\" " + b + "=\"" + number(y) + "\"";
  }
  void text(double x, double y, const std::string& extra, const std::string& words) {
    out_ += "<text" + at("x", x, "y", y) + " " + extra + ">" + escaped(words) + "</text>\n";
  }
  void segment(double x1, double y1, double x2, double y2, const char* kind) {
    out_ += "<line" + at("x1", x1, "y1", y1) + at("x2", x2, "y2", y2) + " " + kind + "/>\n";
  }

  void open() {
    const std::string w = std::to_string(what_.width), h = std::to_string(what_.height);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + w + "\" height=\"" + h + "\" viewBox=\"0 0 " + w +
           " " + h + "\" role=\"img\">\n";
    out_ += "<title>" + escaped(what_.title) + "</title>\n<desc>" + escaped(summary()) + "</desc>\n";
    out_ += "<rect width=\"" + w + "\" height=\"" + h +
            "\" fill=\"#ffffff\"/>\n<g font-family=\"Noto Sans, DejaVu Sans, Helvetica, Arial, sans-serif\">\n";
    text(plot_.left, 26, kTitle, what_.title);
    text(plot_.left, 44, kNote, summary());
  }

  std::string summary() const {
    if (front_.points.empty()) return "No run has both metrics yet.";
    std::string words = std::to_string(front_.points.size()) + " runs, " + std::to_string(front_.front.size()) +
                        " on the front; hypervolume " + formatValue("", front_.hypervolume);
    if (front_.knee)
      if (const RunRecord* run = runOf(front_.points[*front_.knee])) words += "; knee: " + shortName(*run);
    return words;
  }

  void axes() {
    for (const Axis::Tick& tick : x_.ticks) {
      segment(px(tick.value), plot_.top, px(tick.value), plot_.bottom, kGrid);
      text(px(tick.value), plot_.bottom + 18, std::string("text-anchor=\"middle\" ") + kText, tick.text);
    }
    for (const Axis::Tick& tick : y_.ticks) {
      segment(plot_.left, py(tick.value), plot_.right, py(tick.value), kGrid);
      text(plot_.left - 8, py(tick.value) + 4, std::string("text-anchor=\"end\" ") + kText, tick.text);
    }
    segment(plot_.left, plot_.bottom, plot_.right, plot_.bottom, kFrame);
    segment(plot_.left, plot_.top, plot_.left, plot_.bottom, kFrame);
    const auto arrow = [](const std::string& metric) {
      return betterDirection(metric) == Direction::Minimize ? " – less is better" : " – more is better";
    };
    text((plot_.left + plot_.right) / 2, plot_.bottom + 42, std::string("text-anchor=\"middle\" ") + kText,
         x_.title + arrow(what_.x));
    const double middle = (plot_.top + plot_.bottom) / 2;
    text(18, middle, std::string(kText) + " text-anchor=\"middle\" transform=\"rotate(-90 18 " + number(middle) + ")\"",
         y_.title + arrow(what_.y));
  }

  void line() {
    if (front_.front.size() < 2) return;
    out_ += "<polyline " + std::string(kLineOfFront) + " points=\"";
    for (const std::size_t i : front_.front)
      out_ += number(px(front_.points[i].x)) + "," + number(py(front_.points[i].y)) + " ";
    out_ += "\"/>\n";
  }

  void points() {
    const auto inX = [&](double v) { return std::clamp(px(v), plot_.left, plot_.right); };
    const auto inY = [&](double v) { return std::clamp(py(v), plot_.top, plot_.bottom); };
    for (const FrontPoint& p : front_.points) {
      const char* error = p.onFront ? kError : kFaintError;
      if (p.xError > 0) segment(inX(p.x - p.xError), py(p.y), inX(p.x + p.xError), py(p.y), error);
      if (p.yError > 0) segment(px(p.x), inY(p.y - p.yError), px(p.x), inY(p.y + p.yError), error);
    }
    for (const bool onFront : {false, true})  // the front above the rest
      for (const FrontPoint& p : front_.points) {
        if (p.onFront != onFront) continue;
        // Shape as well as colour tells which is which.
        const double x = px(p.x), y = py(p.y);
        out_ += "<g>";
        if (onFront)
          out_ += "<circle" + at("cx", x, "cy", y) + " " + kOnFront + "/>";
        else
          out_ += "<rect" + at("x", x - 3.5, "y", y - 3.5) + " " + kDominated + "/>";
        const RunRecord* run = runOf(p);
        out_ += "<title>" +
                escaped("run " + std::to_string(p.run) + (run ? ": " + shortName(*run) : "") + "\n" + titleOf(what_.x) +
                        ": " + formatValue(what_.x, p.x) + "\n" + titleOf(what_.y) + ": " + formatValue(what_.y, p.y)) +
                "</title></g>\n";
      }
    if (front_.knee)
      out_ += "<circle" + at("cx", px(front_.points[*front_.knee].x), "cy", py(front_.points[*front_.knee].y)) +
              " r=\"10\" " + kKnee + "/>\n";
  }

  /// The names of the front's runs, where there is room; the knee's first.
  void labels() {
    std::vector<Box> taken;
    for (const FrontPoint& p : front_.points) taken.push_back({px(p.x) - 6, py(p.y) - 6, px(p.x) + 6, py(p.y) + 6});
    for (std::size_t i = 1; i < front_.front.size(); ++i) {  // the line, as a row of dots
      const FrontPoint &a = front_.points[front_.front[i - 1]], &b = front_.points[front_.front[i]];
      const double dx = px(b.x) - px(a.x), dy = py(b.y) - py(a.y), dots = std::ceil(std::hypot(dx, dy) / 6);
      for (double d = 0; d <= dots && dots > 0; ++d) {
        const double x = px(a.x) + dx * d / dots, y = py(a.y) + dy * d / dots;
        taken.push_back({x - 1, y - 1, x + 1, y + 1});
      }
    }
    std::vector<std::size_t> order = front_.front;
    if (front_.knee)
      std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { return i == *front_.knee; });
    for (const std::size_t i : order) {
      const FrontPoint& p = front_.points[i];
      const RunRecord* run = runOf(p);
      if (!run) continue;
      std::string name = shortName(*run);
      if (name.size() > 44) name = name.substr(0, 43) + "…";
      const double width = kCharacter * static_cast<double>(name.size()), x = px(p.x), y = py(p.y);
      const Box places[] = {
          {x + 10, y - 15, x + 10 + width, y - 15 + kLine}, {x + 10, y + 4, x + 10 + width, y + 4 + kLine},
          {x - 10 - width, y + 4, x - 10, y + 4 + kLine},   {x - 10 - width, y - 15, x - 10, y - 15 + kLine},
          {x - width / 2, y - 26, x + width / 2, y - 13},   {x - width / 2, y + 13, x + width / 2, y + 26}};
      for (const Box& place : places) {
        const bool inside = place.left > plot_.left && place.right < plot_.right && place.top > plot_.top &&
                            place.bottom < plot_.bottom;
        if (!inside || std::ranges::any_of(taken, [&](const Box& box) { return box.meets(place); })) continue;
        text(place.left, place.bottom - 3, kHalo, name);
        text(place.left, place.bottom - 3, kLabel, name);
        taken.push_back(place);
        break;
      }
    }
  }

  void legend() {
    const double y = 22, x = plot_.right - 250;
    out_ += "<circle" + at("cx", x, "cy", y) + " " + kOnFront + "/>";
    text(x + 10, y + 4, kNote, "on the front");
    out_ += "<rect" + at("x", x + 87, "y", y - 3.5) + " " + kDominated + "/>";
    text(x + 100, y + 4, kNote, "dominated");
    out_ += "<circle" + at("cx", x + 180, "cy", y) + " r=\"8\" " + kKnee + "/>";
    text(x + 194, y + 4, kNote, "knee");
  }

  const Front& front_;
  const FrontDrawing& what_;
  std::unordered_map<std::int64_t, const RunRecord*> runs_;
  Axis x_, y_;
  Box plot_;
  std::string out_;
};

}  // namespace

std::string frontSvg(const Front& front, const std::vector<RunRecord>& runs, const FrontDrawing& drawing) {
  return Drawing(front, runs, drawing).text();
}

}  // namespace ts
