// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/spec/chain.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

namespace ts {
namespace {

constexpr std::size_t kMaximumAlternatives = 10'000;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0;;) {
    const std::size_t to = text.find(separator, from);
    parts.push_back(trimmed(text.substr(from, to == std::string_view::npos ? to : to - from)));
    if (to == std::string_view::npos) return parts;
    from = to + separator.size();
  }
}

struct Assignment {
  std::string name, value;
};
struct Written {
  std::string id;
  std::vector<Assignment> assignments;
};

Result<std::vector<Written>> parseWritten(std::string_view text, std::string_view where) {
  const auto wrong = [&](std::string_view item) {
    return fail(
        "expected a strategy such as 'q4' or 'q4:group=32', or NAME=VALUE after one, found '" + std::string(item) + "'",
        std::string(where));
  };
  std::vector<Written> chain;
  for (const std::string_view part : split(text, " + ")) {
    bool begins = true;
    for (std::string_view item : split(part, ",")) {
      const std::size_t mark = item.find_first_of(":=");
      if (item.empty() || mark == 0) return wrong(item);
      if (mark == std::string_view::npos || item[mark] == ':') {
        chain.push_back({std::string(trimmed(item.substr(0, mark))), {}});
        begins = false;
        if (mark == std::string_view::npos) continue;
        item = trimmed(item.substr(mark + 1));
        if (item.empty()) return wrong(part);
      } else if (begins) {
        return wrong(item);
      }
      const std::size_t equals = item.find('=');
      if (equals == std::string_view::npos || equals == 0) return wrong(item);
      chain.back().assignments.push_back(
          {std::string(trimmed(item.substr(0, equals))), std::string(trimmed(item.substr(equals + 1)))});
    }
  }
  return chain;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// 12 digits: 0.1 + 2 * 0.1 is meant to be 0.3.
double tidy(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 11).ptr;
  std::from_chars(text, end, value);
  return value;
}

Result<std::vector<std::string>> expandRange(const std::string& value, const Parameter* parameter,
                                             const std::string& where) {
  const std::size_t dots = value.find(".."), slash = value.find('/', dots);
  const auto low = number(trimmed(std::string_view(value).substr(0, dots)));
  const auto high = number(trimmed(std::string_view(value).substr(dots + 2, slash - dots - 2)));
  const double count =
      slash == std::string::npos ? 0 : number(trimmed(std::string_view(value).substr(slash + 1))).value_or(0);
  if (!low || !high || count < 2 || count > kMaximumAlternatives || count != std::floor(count))
    return fail(
        "expected a range as LOW..HIGH/COUNT with a count of at least 2, such as 0.1..0.5/5, found '" + value + "'",
        where);
  const bool whole = !parameter || parameter->type == ParameterType::Integer;
  const bool logarithmic = parameter && parameter->scale == Scale::Logarithmic;
  if (logarithmic && (*low <= 0 || *high <= 0))
    return fail(
        "'" + parameter->name + "' steps on a logarithmic scale, so both ends must be above 0, found '" + value + "'",
        where);
  std::vector<std::string> values;
  for (int i = 0; i < count; ++i) {
    const double t = i / (count - 1);
    const double at = logarithmic ? *low * std::pow(*high / *low, t) : *low + (*high - *low) * t;
    const bool integral = parameter ? whole : at == std::floor(at);
    std::string text = integral ? toText(Value(static_cast<std::int64_t>(std::llround(at)))) : toText(Value(tidy(at)));
    if (values.empty() || values.back() != text) values.push_back(std::move(text));
  }
  return values;
}

/// Every way to write `strategy` with one value a parameter.
Result<std::vector<StrategySpec>> alternativesOf(Family family, const Written& strategy, const std::string& where) {
  if (!registry().find(family, strategy.id)) {
    if (strategy.id.find('|') != std::string::npos)
      return fail(
          "alternatives of strategies are entries of their own in the list; '|' lists values of one parameter, found "
          "'" +
              strategy.id + "'",
          where);
    return registry()
        .resolve(family, {strategy.id, {}})
        .map([](auto&&) { return std::vector<StrategySpec>(); })
        .map_error([&](Error error) {
          error.where = where;
          return error;
        });
  }
  std::vector<std::string> texts{strategy.id};
  char separator = ':';
  for (const Assignment& assignment : strategy.assignments) {
    const Parameter* parameter = nullptr;
    for (const std::string& text : texts) {  // a drafter's parameters are known once the drafter is
      TS_TRY(const StrategySpec soFar, parseStrategy(text, where));
      for (const Parameter* p : registry().parametersOf(family, soFar))
        if (p->name == assignment.name) parameter = p;
      if (parameter) break;
    }
    std::vector<std::string> values;
    for (const std::string_view value : split(assignment.value, "|")) {
      if (value.empty()) return fail("expected a value in '" + assignment.name + "=" + assignment.value + "'", where);
      const bool numeric =
          !parameter || parameter->type == ParameterType::Integer || parameter->type == ParameterType::Real;
      if (!numeric || value.find("..") == std::string_view::npos) {
        values.emplace_back(value);
        continue;
      }
      TS_TRY(const std::vector<std::string> range, expandRange(std::string(value), parameter, where));
      values.insert(values.end(), range.begin(), range.end());
    }
    if (texts.size() * values.size() > kMaximumAlternatives)
      return fail("more than " + std::to_string(kMaximumAlternatives) + " alternatives in one entry", where);
    std::vector<std::string> next;
    for (const std::string& text : texts)
      for (const std::string& value : values) next.push_back(text + separator + assignment.name + "=" + value);
    texts = std::move(next);
    separator = ',';
  }
  std::vector<StrategySpec> specs;
  for (const std::string& text : texts) {
    TS_TRY(StrategySpec spec, parseStrategy(text, where));
    if (auto settings = registry().resolve(family, spec); !settings)
      return fail(settings.error().kind, settings.error().message, where);
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace

std::string chainText(const std::vector<StrategySpec>& chain) {
  std::string text;
  for (const StrategySpec& spec : chain) text += (text.empty() ? "" : " + ") + toText(spec);
  return text;
}

Result<std::vector<std::vector<StrategySpec>>> parseAlternatives(Family family, std::string_view text,
                                                                 std::string_view whereText) {
  const std::string where(whereText);
  std::vector<std::vector<StrategySpec>> chains{{}};
  if (trimmed(text).empty()) return chains;
  TS_TRY(const std::vector<Written> written, parseWritten(text, where));
  for (const Written& strategy : written) {
    TS_TRY(const std::vector<StrategySpec> specs, alternativesOf(family, strategy, where));
    if (chains.size() * specs.size() > kMaximumAlternatives)
      return fail("more than " + std::to_string(kMaximumAlternatives) + " alternatives in one entry", where);
    std::vector<std::vector<StrategySpec>> next;
    for (const auto& chain : chains)
      for (const StrategySpec& spec : specs) {
        next.push_back(chain);
        next.back().push_back(spec);
      }
    chains = std::move(next);
  }
  return chains;
}

}  // namespace ts
