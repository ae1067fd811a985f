// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/registry/value.h"

#include <array>
#include <cassert>
#include <charconv>

namespace ts {
namespace {

std::string shortest(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  // A real must read back as a real, not as an integer.
  if (text.find_first_of(".enf") == std::string::npos) text += ".0";
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Value parseValue(std::string_view text) {
  if (text == "true" || text == "on") return true;
  if (text == "false" || text == "off") return false;
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (auto r = std::from_chars(text.data(), end, integer); r.ec == std::errc() && r.ptr == end) return integer;
  double real = 0;
  if (auto r = std::from_chars(text.data(), end, real); r.ec == std::errc() && r.ptr == end) return real;
  return std::string(text);
}

bool isIdentifier(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
  return true;
}

}  // namespace

std::string toText(const Value& value) {
  struct Visitor {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return shortest(v); }
    std::string operator()(const std::string& v) const { return v; }
  };
  return std::visit(Visitor{}, value);
}

const Value& Settings::at(std::string_view name) const {
  const auto it = values_.find(std::string(name));
  assert(it != values_.end() && "a strategy asked for a parameter its descriptor does not declare");
  return it->second;
}

bool Settings::boolean(std::string_view name) const { return std::get<bool>(at(name)); }
std::int64_t Settings::integer(std::string_view name) const { return std::get<std::int64_t>(at(name)); }
const std::string& Settings::text(std::string_view name) const { return std::get<std::string>(at(name)); }
double Settings::real(std::string_view name) const {
  const Value& value = at(name);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

Result<StrategySpec> parseStrategy(std::string_view text, std::string_view where) {
  text = trimmed(text);
  const auto colon = text.find(':');
  StrategySpec spec;
  spec.id = std::string(trimmed(text.substr(0, colon)));
  if (!isIdentifier(spec.id))
    return fail("expected a strategy such as 'q4' or 'q4:group=32,symmetric=true', found '" + std::string(text) + "'",
                std::string(where));
  if (colon == std::string_view::npos) return spec;
  std::string_view rest = text.substr(colon + 1);
  while (!trimmed(rest).empty()) {
    const auto comma = rest.find(',');
    const std::string_view item = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const auto equals = item.find('=');
    const std::string name(trimmed(item.substr(0, equals)));
    if (equals == std::string_view::npos || !isIdentifier(name))
      return fail("expected NAME=VALUE after '" + spec.id + ":', found '" + std::string(item) + "'", std::string(where));
    if (!spec.values.emplace(name, parseValue(trimmed(item.substr(equals + 1)))).second)
      return fail("parameter '" + name + "' is given twice for '" + spec.id + "'", std::string(where));
  }
  return spec;
}

std::string toText(const StrategySpec& spec) {
  std::string text = spec.id;
  char separator = ':';
  for (const auto& [name, value] : spec.values) {
    text += separator + name + '=' + toText(value);
    separator = ',';
  }
  return text;
}

}  // namespace ts
