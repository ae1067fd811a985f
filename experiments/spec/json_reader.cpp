// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/spec/json_reader.h"

#include <algorithm>
#include <sstream>

namespace ts {
namespace {

std::string shown(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

}  // namespace

tl::unexpected<Error> JsonReader::expected(const std::string& what) const {
  return fail("expected " + what + ", found " + shown(value_), where());
}

Result<void> JsonReader::object(std::initializer_list<std::string_view> known) const {
  if (!value_.is_object()) return expected("an object {...}");
  for (const auto& [key, item] : value_.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    std::string list;
    for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    return fail("unknown key '" + key + "'; known: " + list, where());
  }
  return {};
}

Result<std::string> JsonReader::text() const {
  if (!value_.is_string()) return expected("a text");
  return value_.get<std::string>();
}

Result<bool> JsonReader::boolean() const {
  if (!value_.is_boolean()) return expected("true or false");
  return value_.get<bool>();
}

Result<double> JsonReader::number(double minimum, double maximum) const {
  if (!value_.is_number() || value_.get<double>() < minimum || value_.get<double>() > maximum) {
    std::ostringstream range;
    range << "a number from " << minimum << " to " << maximum;
    return expected(range.str());
  }
  return value_.get<double>();
}

Result<std::int64_t> JsonReader::integer(std::int64_t minimum, std::int64_t maximum) const {
  const auto wrong = [&] {
    return expected("a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
  };
  if (!value_.is_number_integer()) return wrong();
  if (value_.is_number_unsigned() && value_.get<std::uint64_t>() > static_cast<std::uint64_t>(maximum)) return wrong();
  const auto number = value_.get<std::int64_t>();
  if (number < minimum || number > maximum) return wrong();
  return number;
}

Result<nlohmann::json> parseJson(std::string_view text, const std::string& file) {
  // Reading, copying and writing a value recurse over it.
  constexpr int kDeepest = 100;
  bool tooDeep = false;
  const auto shallow = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    tooDeep |= depth > kDeepest;
    return depth <= kDeepest;
  };
  try {
    auto json = nlohmann::json::parse(text, shallow, true, true);
    if (tooDeep) return fail("a sweep nests at most " + std::to_string(kDeepest) + " deep", file);
    return json;
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t byte = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
    const std::string_view before = text.substr(0, byte);
    const auto line = std::ranges::count(before, '\n') + 1;
    const std::size_t column = byte - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1) + 1;
    const std::string what = error.what();
    const std::size_t detail = what.rfind("; expected");
    return fail(text.find_first_not_of(" \t\r\n") == std::string_view::npos
                    ? "the file is empty; expected a sweep, {...}"
                    : "this is not JSON" + (detail == std::string::npos ? "" : what.substr(detail)),
                file + ", line " + std::to_string(line) + ", column " + std::to_string(column));
  } catch (const nlohmann::json::exception&) {
    return fail("the file holds a number that is too large to be one", file);
  }
}

}  // namespace ts
