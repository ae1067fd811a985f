// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/spec/constraints.h"

#include <nlohmann/json.hpp>
#include <sstream>

namespace ts {

std::vector<Constraint> constraintsOf(const std::string& sweepText) {
  std::vector<Constraint> constraints;
  const auto json = nlohmann::json::parse(sweepText, nullptr, false, true);
  if (!json.is_object() || !json.contains("constraints") || !json["constraints"].is_array()) return constraints;
  for (const auto& each : json["constraints"])
    if (each.is_string())
      if (auto constraint = parseConstraint(each.get<std::string>(), "sweep")) constraints.push_back(std::move(*constraint));
  return constraints;
}

std::string toText(const std::vector<Constraint>& constraints) {
  std::string text;
  for (const Constraint& constraint : constraints) text += (text.empty() ? "" : "; ") + toText(constraint);
  return text;
}

std::vector<Constraint> constraintsFrom(const std::string& text) {
  std::vector<Constraint> constraints;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ';');)
    if (auto constraint = parseConstraint(part, "run")) constraints.push_back(std::move(*constraint));
  return constraints;
}

std::vector<std::string> violated(const std::vector<Constraint>& constraints, const std::map<std::string, double>& metrics) {
  std::vector<std::string> out;
  for (const Constraint& constraint : constraints) {
    const auto it = metrics.find(constraint.metric);
    if (it == metrics.end()) continue;
    if (constraint.below ? it->second > constraint.bound : it->second < constraint.bound) out.push_back(toText(constraint));
  }
  return out;
}

}  // namespace ts
