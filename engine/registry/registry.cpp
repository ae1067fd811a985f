// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/registry/registry.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace ts {
namespace {

Registry& mutableRegistry() {
  static Registry instance;
  return instance;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string plainNumber(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? std::to_string(static_cast<long long>(value))
                                                              : toText(Value(value));
}

std::string accepted(const Parameter& p) {
  switch (p.type) {
    case ParameterType::Boolean: return "true or false";
    case ParameterType::Choice: return "one of " + listed(p.choices);
    case ParameterType::Text: return "a text";
    case ParameterType::Strategy: return "the name of a strategy of family '" + std::string(name(p.family)) + "'";
    case ParameterType::Integer:
    case ParameterType::Real: break;
  }
  std::string text = p.type == ParameterType::Integer ? "a whole number" : "a number";
  if (p.minimum && p.maximum) return text + " from " + plainNumber(*p.minimum) + " to " + plainNumber(*p.maximum);
  if (p.minimum) return text + " of at least " + plainNumber(*p.minimum);
  if (p.maximum) return text + " of at most " + plainNumber(*p.maximum);
  return text;
}

/// The value as the parameter's type, or nothing if it cannot be read so.
std::optional<Value> converted(const Parameter& p, const Value& value) {
  const auto inRange = [&](double v) {
    return std::isfinite(v) && (!p.minimum || v >= *p.minimum) && (!p.maximum || v <= *p.maximum);
  };
  switch (p.type) {
    case ParameterType::Boolean:
      if (std::holds_alternative<bool>(value)) return value;
      if (const auto* i = std::get_if<std::int64_t>(&value); i && (*i == 0 || *i == 1)) return Value(*i == 1);
      return {};
    case ParameterType::Integer: {
      if (const auto* i = std::get_if<std::int64_t>(&value)) return inRange(static_cast<double>(*i)) ? std::optional(value) : std::nullopt;
      if (const auto* d = std::get_if<double>(&value); d && *d == std::floor(*d) && inRange(*d)) return Value(static_cast<std::int64_t>(*d));
      return {};
    }
    case ParameterType::Real:
      if (const auto* i = std::get_if<std::int64_t>(&value)) return inRange(static_cast<double>(*i)) ? std::optional<Value>(static_cast<double>(*i)) : std::nullopt;
      if (const auto* d = std::get_if<double>(&value)) return inRange(*d) ? std::optional(value) : std::nullopt;
      return {};
    case ParameterType::Choice: {
      const std::string text = toText(value);
      return std::find(p.choices.begin(), p.choices.end(), text) != p.choices.end() ? std::optional<Value>(text) : std::nullopt;
    }
    case ParameterType::Text: return Value(toText(value));
    case ParameterType::Strategy: {
      const std::string text = toText(value);
      return registry().find(p.family, text) ? std::optional<Value>(text) : std::nullopt;
    }
  }
  return {};
}

}  // namespace

std::string_view name(Family family) {
  switch (family) {
    case Family::Weights: return "weights";
    case Family::KeyValue: return "kv";
    case Family::Decoding: return "decode";
    case Family::Drafter: return "drafter";
    case Family::Sampling: return "sample";
    case Family::Search: return "search";
  }
  return "?";
}

const Registry& registry() { return mutableRegistry(); }

Registration::Registration(Descriptor descriptor, Factory factory) {
  mutableRegistry().add({std::move(descriptor), std::move(factory)});
}

void Registry::add(Strategy strategy) {
  assert(!find(strategy.descriptor.family, strategy.descriptor.id) && "two strategies of a family share an id");
  // Static initialization order differs between builds; the list must not.
  const auto before = [](const Strategy& a, const Strategy& b) {
    return std::pair(a.descriptor.family, a.descriptor.id) < std::pair(b.descriptor.family, b.descriptor.id);
  };
  strategies_.insert(std::upper_bound(strategies_.begin(), strategies_.end(), strategy, before), std::move(strategy));
}

std::vector<const Strategy*> Registry::ofFamily(Family family) const {
  std::vector<const Strategy*> found;
  for (const Strategy& s : strategies_)
    if (s.descriptor.family == family) found.push_back(&s);
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->descriptor.title < b->descriptor.title; });
  return found;
}

const Strategy* Registry::find(Family family, std::string_view id) const {
  for (const Strategy& s : strategies_)
    if (s.descriptor.family == family && s.descriptor.id == id) return &s;
  return nullptr;
}

std::vector<const Parameter*> Registry::parametersOf(Family family, const StrategySpec& spec) const {
  std::vector<const Parameter*> parameters;
  const Strategy* strategy = find(family, spec.id);
  if (!strategy) return parameters;
  for (const Parameter& p : strategy->descriptor.parameters) parameters.push_back(&p);
  for (const Parameter& p : strategy->descriptor.parameters) {
    if (p.type != ParameterType::Strategy) continue;
    const auto given = spec.values.find(p.name);
    const std::string chosen = toText(given == spec.values.end() ? p.fallback : given->second);
    if (const Strategy* inner = find(p.family, chosen))
      for (const Parameter& q : inner->descriptor.parameters) parameters.push_back(&q);
  }
  return parameters;
}

Result<Settings> Registry::resolve(Family family, const StrategySpec& spec) const {
  const std::string where = "--" + std::string(name(family)) + " " + toText(spec);
  if (!find(family, spec.id)) {
    std::vector<std::string> known;
    for (const Strategy& s : strategies_)
      if (s.descriptor.family == family) known.push_back(s.descriptor.id);
    return fail("there is no strategy '" + spec.id + "' for " + std::string(name(family)) + "; known: " + listed(known), where);
  }
  const std::vector<const Parameter*> parameters = parametersOf(family, spec);
  std::map<std::string, Value> values;
  for (const Parameter* p : parameters) values.emplace(p->name, p->fallback);
  for (const auto& [key, value] : spec.values) {
    const auto it = std::find_if(parameters.begin(), parameters.end(), [&key = key](auto* p) { return p->name == key; });
    if (it == parameters.end()) {
      std::vector<std::string> known;
      for (const Parameter* p : parameters) known.push_back(p->name);
      return fail("'" + spec.id + "' has no parameter '" + key + "'; it has " + (known.empty() ? "none" : listed(known)), where);
    }
    const auto fitted = converted(**it, value);
    if (!fitted)
      return fail("parameter '" + key + "' of '" + spec.id + "' must be " + accepted(**it) + ", not '" + toText(value) + "'", where);
    values[key] = *fitted;
  }
  return Settings(std::move(values));
}

}  // namespace ts
