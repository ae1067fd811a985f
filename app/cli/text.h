// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace ts::cli {

std::string bytesText(double bytes);             ///< "31.5 MB" (decimal units, three digits)
std::string countText(std::int64_t count);       ///< "15,735,168"
std::string numberText(double value, int significant = 4);  ///< "35.46", "0.0021", "–" for what is not a number
std::string errorText(double value, double standardError);  ///< "35.46 ± 0.21": as many digits as the error supports
std::string durationText(double seconds);        ///< "850 ms", "42 s", "3:07", "1:02:09"

/// An aligned table: the first row is the header; a cell that reads as a number is set to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// Lines "name   value" with the values below each other.
class Facts {
 public:
  void add(std::string name, std::string value) { lines_.emplace_back(std::move(name), std::move(value)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

/// What really engaged, one fact a line, sorted by name.
void addEngaged(Facts& facts, const std::map<std::string, double>& engaged);

}  // namespace ts::cli
