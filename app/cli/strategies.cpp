// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "engine/registry/registry.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string family;
  bool markdown = false;
};

constexpr Family kFamilies[] = {Family::Weights, Family::KeyValue, Family::Decoding, Family::Drafter, Family::Sampling, Family::Search};

std::string_view titleOf(Family family) {
  switch (family) {
    case Family::Weights: return "Weights: changes made to the model before a run";
    case Family::KeyValue: return "Key/value cache: how rows are stored, which are kept";
    case Family::Decoding: return "Decoding: how the next tokens are chosen";
    case Family::Drafter: return "Drafters: what proposes tokens in speculative decoding";
    case Family::Sampling: return "Sampling: the chain of filters before a token is drawn";
    case Family::Search: return "Search: over whole continuations";
  }
  return "";
}

std::string_view flagOf(Family family) { return family == Family::Drafter ? "decode" : name(family); }

std::string_view typeName(ParameterType type) {
  switch (type) {
    case ParameterType::Boolean: return "boolean";
    case ParameterType::Integer: return "integer";
    case ParameterType::Real: return "real";
    case ParameterType::Choice: return "choice";
    case ParameterType::Text: return "text";
    case ParameterType::Strategy: return "strategy";
  }
  return "";
}

Json jsonOf(const Parameter& p) {
  Json j{{"name", p.name}, {"type", typeName(p.type)}, {"unit", p.unit}};
  std::visit([&](const auto& value) { j["default"] = value; }, p.fallback);
  j["minimum"] = p.minimum ? Json(*p.minimum) : Json();
  j["maximum"] = p.maximum ? Json(*p.maximum) : Json();
  if (p.type == ParameterType::Choice) j["choices"] = p.choices;
  if (p.type == ParameterType::Strategy) j["family"] = name(p.family);
  j["scale"] = p.scale == Scale::Logarithmic ? "logarithmic" : "linear";
  j["help"] = p.help;
  return j;
}

Json jsonOf(const Descriptor& d) {
  Json parameters = Json::array();
  for (const Parameter& p : d.parameters) parameters.push_back(jsonOf(p));
  return {{"id", d.id}, {"family", name(d.family)}, {"title", d.title}, {"help", d.help}, {"paper", d.paper},
          {"parameters", parameters}, {"needs", d.needs}, {"offers", d.offers}, {"claims", d.claims}};
}

std::string joined(const std::vector<std::string>& words, const char* between = ", ") {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

/// "1 to 64 tokens", "greedy, sample", "a drafter".
std::string rangeOf(const Parameter& p) {
  if (p.type == ParameterType::Choice) return joined(p.choices);
  if (p.type == ParameterType::Boolean) return "true, false";
  if (p.type == ParameterType::Strategy) return "a strategy of the family '" + std::string(name(p.family)) + "'";
  if (p.type == ParameterType::Text) return "text";
  std::string range = p.minimum && p.maximum ? toText(Value(*p.minimum)) + " to " + toText(Value(*p.maximum))
                      : p.minimum            ? "from " + toText(Value(*p.minimum))
                      : p.maximum            ? "up to " + toText(Value(*p.maximum))
                                             : std::string(typeName(p.type));
  if (!p.unit.empty()) range += " " + p.unit;
  return range;
}

void printTable(std::span<const Family> families) {
  for (const Family family : families) {
    const auto strategies = registry().ofFamily(family);
    if (strategies.empty()) continue;
    std::cout << "\n" << titleOf(family) << "  (--" << flagOf(family) << ")\n\n";
    Table table({"id", "parameters (default)", "what it does"});
    for (const Strategy* s : strategies) {
      const Descriptor& d = s->descriptor;
      table.add({d.id, d.parameters.empty() ? "" : d.parameters[0].name + "=" + toText(d.parameters[0].fallback), d.help});
      for (std::size_t i = 1; i < d.parameters.size(); ++i)
        table.add({"", d.parameters[i].name + "=" + toText(d.parameters[i].fallback), ""});
    }
    table.print(std::cout);
  }
  std::cout << "\nParameters in full: tradespace-cli strategies --markdown\n";
}

void printMarkdown(std::span<const Family> families) {
  std::cout << "# Strategies\n\nMade by `tradespace-cli strategies --markdown` from the registry.\n";
  for (const Family family : families) {
    const auto strategies = registry().ofFamily(family);
    if (strategies.empty()) continue;
    std::cout << "\n## " << titleOf(family) << "\n";
    for (const Strategy* s : strategies) {
      const Descriptor& d = s->descriptor;
      std::cout << "\n### `" << d.id << "`: " << d.title << "\n\n" << d.help << "\n";
      if (!d.paper.empty()) std::cout << "\nSource: " << d.paper << "\n";
      if (!d.needs.empty()) std::cout << "\nNeeds: " << joined(d.needs) << "\n";
      if (!d.offers.empty()) std::cout << "\nOffers: " << joined(d.offers) << "\n";
      if (!d.claims.empty()) std::cout << "\nOnly one strategy of a plan may set: " << joined(d.claims) << "\n";
      if (d.parameters.empty()) continue;
      std::cout << "\n| parameter | range | default | what |\n| --- | --- | --- | --- |\n";
      for (const Parameter& p : d.parameters)
        std::cout << "| `" << p.name << "` | " << rangeOf(p) << " | `" << toText(p.fallback) << "` | " << p.help << " |\n";
    }
  }
}

Result<Json> run(Shell& shell, const Flags& flags) {
  std::vector<Family> families;
  for (const Family family : kFamilies)
    if (flags.family.empty() || flags.family == name(family)) families.push_back(family);
  Json strategies = Json::array();
  for (const Family family : families)
    for (const Strategy* s : registry().ofFamily(family)) strategies.push_back(jsonOf(s->descriptor));
  if (!shell.json) flags.markdown ? printMarkdown(families) : printTable(families);
  return Json{{"strategies", strategies}};
}

}  // namespace

void addStrategies(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "strategies", "Every strategy with its parameters, and what it needs and offers", flags, &run);
  std::vector<std::string> names;
  for (const Family family : kFamilies) names.emplace_back(name(family));
  verb.text("--family", flags->family, "Of one family only", {.choices = names});
  verb.toggle("--markdown", flags->markdown, "As a page of documentation");
}

}  // namespace ts::cli
