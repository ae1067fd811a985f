// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/sweep_draft.h"

#include <nlohmann/json.hpp>

namespace ts {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::pair<Family, const char*> kNames[] = {
    {Family::Weights, "weights"}, {Family::KeyValue, "kv"}, {Family::Decoding, "decode"}, {Family::Sampling, "sample"}, {Family::Search, "search"}};

}  // namespace

std::vector<std::string>& SweepDraft::Group::of(Family family) {
  switch (family) {
    case Family::Weights: return weights;
    case Family::KeyValue: return kv;
    case Family::Decoding:
    case Family::Drafter: return decode;
    case Family::Sampling: return sample;
    case Family::Search: break;
  }
  return search;
}

std::string toJson(const SweepDraft& d) {
  Json json;
  json["name"] = d.name;
  json["model"] = d.model;
  json["seed"] = d.seed;
  if (d.threads > 0) json["threads"] = d.threads;
  if (d.quality) {
    json["task"] = {{"name", d.task}, {"limit", d.limit}, {"context", d.context}, {"against_dense", d.againstDense}};
    if (!d.data.empty()) json["task"]["data"] = d.data;
    if (d.untilStderr > 0) json["task"]["until_stderr"] = d.untilStderr;
  } else {
    json["task"] = nullptr;
  }
  if (d.latency) {
    json["bench"] = {{"prompt", d.prompt}, {"generate", d.generate}, {"depth", d.depths.front()}, {"repetitions", d.repetitions}, {"warmup", d.warmup}};
    if (d.depths.size() > 1) json["bench"]["depth"] = d.depths;
    if (d.interval > 0) json["bench"]["interval"] = d.interval, json["bench"]["max_repetitions"] = d.maximumRepetitions;
    if (d.memory) json["bench"]["memory"] = true;
  } else {
    json["bench"] = nullptr;
  }
  json["search"] = {{"method", d.method}};
  if (d.method != "grid") json["search"]["budget"] = d.budget;
  if (d.method == "nsga2") json["objectives"] = d.objectives;
  if (!d.constraints.empty()) json["constraints"] = d.constraints;
  json["groups"] = Json::array();
  for (const auto& group : d.groups) {
    Json g = Json::object();
    for (const auto& [family, name] : kNames)
      if (const auto& list = group.of(family); list != std::vector<std::string>{""} && !list.empty()) g[name] = list;
    Json activations = Json::array();
    if (group.activationsF32 || !group.activationsQ8) activations.push_back("f32");
    if (group.activationsQ8) activations.push_back("q8");
    g["activations"] = activations;
    json["groups"].push_back(g);
  }
  return json.dump(2) + "\n";
}

Result<SweepDraft> draftOf(std::string_view text, std::string_view where) {
  TS_TRY(const Sweep sweep, parseSweep(text, where));
  SweepDraft d;
  d.name = sweep.name;
  d.model = sweep.model;
  d.quality = sweep.quality;
  d.latency = sweep.latency;
  d.task = sweep.task.task;
  d.data = sweep.task.data.string();
  d.limit = sweep.task.limit;
  d.context = sweep.task.context;
  d.againstDense = sweep.task.againstDense;
  d.prompt = sweep.bench.prompt;
  d.generate = sweep.bench.generate;
  d.depths = {sweep.bench.depth};
  d.depths.insert(d.depths.end(), sweep.bench.moreDepths.begin(), sweep.bench.moreDepths.end());
  d.repetitions = sweep.bench.repetitions;
  d.warmup = sweep.bench.warmup;
  d.interval = sweep.bench.interval;
  d.maximumRepetitions = static_cast<int>(sweep.bench.maximumRepetitions);
  d.memory = sweep.memory;
  d.untilStderr = sweep.task.untilStderr;
  d.method = sweep.method;
  if (sweep.budget > 0) d.budget = sweep.budget;
  d.seed = sweep.seed;
  d.threads = sweep.threads;
  if (!sweep.objectives.empty()) d.objectives = sweep.objectives;
  for (const Constraint& constraint : sweep.constraints) d.constraints.push_back(toText(constraint));
  d.groups.clear();
  // The parser has checked the shape of what is read here.
  const Json json = Json::parse(text, nullptr, true, true);
  for (const Json& g : json.at("groups")) {
    SweepDraft::Group group;
    for (const auto& [family, name] : kNames)
      if (g.contains(name)) group.of(family) = g.at(name).get<std::vector<std::string>>();
    for (const Family family : kSweepFamilies)
      if (group.of(family).empty()) group.of(family) = {""};
    if (g.contains("activations")) {
      const auto list = g.at("activations").get<std::vector<std::string>>();
      group.activationsQ8 = std::ranges::count(list, "q8") > 0;
      group.activationsF32 = list.empty() || std::ranges::count(list, "f32") > 0;
    }
    d.groups.push_back(std::move(group));
  }
  return d;
}

}  // namespace ts
