// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>

namespace ts::cli {
namespace {

template <class... Args>
std::string format(const char* pattern, Args... args) {
  std::array<char, 64> buffer{};
  const int n = std::snprintf(buffer.data(), buffer.size(), pattern, args...);
  return {buffer.data(), static_cast<std::size_t>(std::clamp(n, 0, static_cast<int>(buffer.size()) - 1))};
}

/// Characters, not bytes: what a terminal shows of Latin text, dashes and arrows.
std::size_t widthOf(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool looksNumeric(const std::string& text) {
  return !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) || text == "–" ||
                           ((text[0] == '-' || text[0] == '+') && text.size() > 1 && std::isdigit(static_cast<unsigned char>(text[1]))));
}

void pad(std::ostream& out, const std::string& text, std::size_t width, bool right, bool last) {
  const std::string space(width - std::min(width, widthOf(text)), ' ');
  if (right) out << space << text;
  else out << text << (last ? "" : space);
}

}  // namespace

std::string bytesText(double bytes) {
  static constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (std::abs(bytes) >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return (unit == 0 ? format("%.0f", bytes) : format("%.*f", bytes < 9.995 ? 2 : bytes < 99.95 ? 1 : 0, bytes)) + " " + kUnits[unit];
}

std::string countText(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::int64_t first = count < 0 ? 1 : 0;
  for (std::int64_t at = static_cast<std::int64_t>(digits.size()) - 3; at > first; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string numberText(double value, int significant) {
  if (!std::isfinite(value)) return "–";
  if (value == 0) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  if (magnitude >= 9 || magnitude < -5) return format("%.*e", significant - 1, value);
  return format("%.*f", std::max(0, significant - 1 - magnitude), value);
}

std::string errorText(double value, double standardError) {
  if (!(standardError > 0) || !std::isfinite(value) || !std::isfinite(standardError)) return numberText(value, 5);
  const int decimals = std::clamp(1 - static_cast<int>(std::floor(std::log10(standardError))), 0, 9);
  return format("%.*f", decimals, value) + " ± " + format("%.*f", decimals, standardError);
}

std::string durationText(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "–";
  if (seconds < 1) return format("%.0f ms", seconds * 1000);
  if (seconds < 10) return format("%.1f s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 60) return format("%lld s", whole);
  if (whole < 3600) return format("%lld:%02lld", whole / 60, whole % 60);
  return format("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t c = 0; c < header_.size(); ++c) {
    std::size_t width = widthOf(header_[c]);
    bool numeric = !rows_.empty();
    for (const auto& row : rows_) {
      width = std::max(width, widthOf(row[c]));
      numeric = numeric && (row[c].empty() || looksNumeric(row[c]));
    }
    widths.push_back(width);
    right.push_back(numeric);
  }
  const auto line = [&](const std::vector<std::string>& row) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      pad(out << (c ? "  " : ""), row[c], widths[c], right[c], c + 1 == row.size());
    }
    out << '\n';
  };
  line(header_);
  std::vector<std::string> rule;
  for (const std::size_t width : widths) {
    std::string dashes;
    for (std::size_t i = 0; i < width; ++i) dashes += "─";
    rule.push_back(dashes);
  }
  line(rule);
  for (const auto& row : rows_) line(row);
}

void Facts::print(std::ostream& out) const {
  std::size_t width = 0;
  for (const auto& [name, value] : lines_) width = std::max(width, widthOf(name));
  for (const auto& [name, value] : lines_) {
    pad(out, name, width, false, false);
    out << "  " << value << '\n';
  }
}

void addEngaged(Facts& facts, const std::map<std::string, double>& engaged) {
  for (const auto& [name, value] : engaged)
    facts.add(name, value == std::floor(value) && std::abs(value) < 1e15 ? countText(static_cast<std::int64_t>(value)) : numberText(value));
}

}  // namespace ts::cli
