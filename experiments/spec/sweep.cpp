// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/spec/sweep.h"

#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "engine/evaluation/task.h"
#include "experiments/spec/chain.h"
#include "experiments/spec/json_reader.h"

namespace ts {
namespace {

constexpr std::int64_t kMany = 1'000'000'000;
constexpr std::uintmax_t kMaximumFile = 16u << 20;

Result<void> readTask(const JsonReader& json, Sweep& sweep) {
  if (json.value().is_null()) {
    sweep.quality = false;
    return {};
  }
  TS_CHECK(json.object({"name", "data", "limit", "context", "against_dense", "until_stderr"}));
  EvaluationOptions& task = sweep.task;
  if (json.has("name")) {
    TS_TRY(task.task, json.at("name").text());
  }
  const Task* known = findTask(task.task);
  if (!known) {
    std::string names;
    for (const Task& each : tasks()) names += (names.empty() ? "" : ", ") + each.name;
    return (json.has("name") ? json.at("name") : json).expected("the name of a task (" + names + ")");
  }
  if (json.has("data")) {
    TS_TRY(task.data, json.at("data").text());
  }
  if (known->data.empty() && !known->form.empty() && task.data.empty())
    return json.expected("\"data\" for task '" + task.task + "': a file of your own, " + known->form);
  if (json.has("limit")) {
    TS_TRY(task.limit, json.at("limit").integer(0, kMany));
  }
  if (json.has("context")) {
    TS_TRY(task.context, json.at("context").integer(8, kMany));
  }
  if (json.has("against_dense")) {
    TS_TRY(task.againstDense, json.at("against_dense").boolean());
  }
  if (json.has("until_stderr")) {
    TS_TRY(task.untilStderr, json.at("until_stderr").number(0, 1e9));
  }
  return {};
}

Result<void> readBench(const JsonReader& json, Sweep& sweep) {
  if (json.value().is_null()) {
    sweep.latency = false;
    return {};
  }
  TS_CHECK(json.object({"prompt", "generate", "depth", "repetitions", "interval", "max_repetitions", "warmup", "memory"}));
  BenchOptions& bench = sweep.bench;
  if (json.has("prompt")) {
    TS_TRY(bench.prompt, json.at("prompt").integer(1, kMany));
  }
  if (json.has("generate")) {
    TS_TRY(bench.generate, json.at("generate").integer(1, kMany));
  }
  if (json.has("depth")) {
    const JsonReader depth = json.at("depth");
    std::vector<std::int64_t> depths;
    for (std::size_t i = 0; depth.value().is_array() && i < depth.value().size(); ++i) {
      TS_TRY(const std::int64_t each, depth.at(i).integer(0, kMany));
      depths.push_back(each);
    }
    if (depth.value().is_array() && depths.empty()) return depth.expected("a number of tokens, or a list of them");
    if (depths.empty()) {
      TS_TRY(bench.depth, depth.integer(0, kMany));
    } else {
      bench.depth = depths.front();
      bench.moreDepths.assign(depths.begin() + 1, depths.end());
    }
  }
  if (json.has("repetitions")) {
    TS_TRY(bench.repetitions, json.at("repetitions").integer(1, 10'000));
  }
  if (json.has("memory")) {
    TS_TRY(sweep.memory, json.at("memory").boolean());
  }
  if (json.has("interval")) {
    TS_TRY(bench.interval, json.at("interval").number(0, 1));
  }
  if (json.has("max_repetitions")) {
    TS_TRY(bench.maximumRepetitions, json.at("max_repetitions").integer(1, 100'000));
  }
  if (json.has("warmup")) {
    TS_TRY(bench.warmup, json.at("warmup").integer(0, 10'000));
  }
  return {};
}

Result<void> readSearch(const JsonReader& json, Sweep& sweep) {
  TS_CHECK(json.object({"method", "budget"}));
  if (json.has("method")) {
    TS_TRY(sweep.method, json.at("method").text());
    if (sweep.method != "grid" && sweep.method != "random" && sweep.method != "sobol" && sweep.method != "nsga2")
      return json.at("method").expected("one of grid, random, sobol, nsga2");
  }
  if (json.has("budget")) {
    TS_TRY(sweep.budget, json.at("budget").integer(1, kMaximumPlans));
  }
  if (sweep.method != "grid" && sweep.budget == 0)
    return fail("method '" + sweep.method + "' needs a \"budget\": the number of plans to measure", json.where());
  return {};
}

Result<std::vector<std::vector<StrategySpec>>> readChains(const JsonReader& json, Family family, bool single) {
  if (!json.value().is_array()) return json.expected("a list of strategies such as [\"\", \"q4:group=32|64\"]");
  std::vector<std::vector<StrategySpec>> all;
  for (std::size_t i = 0; i < json.value().size(); ++i) {
    const JsonReader item = json.at(i);
    TS_TRY(const std::string text, item.text());
    TS_TRY(auto chains, parseAlternatives(family, text, item.where()));
    if (single && chains.front().size() > 1)
      return item.expected("at most one strategy, not a chain of " + std::to_string(chains.front().size()));
    all.insert(all.end(), chains.begin(), chains.end());
  }
  return all;
}

Result<SweepGroup> readGroup(const JsonReader& json) {
  TS_CHECK(json.object({"weights", "kv", "decode", "sample", "search", "activations"}));
  SweepGroup group;
  const auto read = [&](const char* key, Family family, bool single, auto& into) -> Result<void> {
    if (!json.has(key)) return {};
    TS_TRY(into, readChains(json.at(key), family, single));
    return {};
  };
  TS_CHECK(read("weights", Family::Weights, false, group.weights));
  TS_CHECK(read("kv", Family::KeyValue, false, group.kv));
  TS_CHECK(read("decode", Family::Decoding, true, group.decode));
  TS_CHECK(read("sample", Family::Sampling, false, group.sample));
  TS_CHECK(read("search", Family::Search, true, group.search));
  if (json.has("activations")) {
    const JsonReader list = json.at("activations");
    if (!list.value().is_array()) return list.expected("a list of \"f32\" and \"q8\"");
    for (std::size_t i = 0; i < list.value().size(); ++i) {
      TS_TRY(const std::string text, list.at(i).text());
      if (text != "f32" && text != "q8") return list.at(i).expected("\"f32\" or \"q8\"");
      group.activations.push_back(text == "q8" ? Activations::Q8 : Activations::F32);
    }
  }
  return group;
}

Result<void> readObjectives(const JsonReader& json, Sweep& sweep) {
  if (!json.value().is_array())
    return json.expected("a list of metrics such as [\"perplexity\", \"-decode_tokens_per_s\"]");
  for (std::size_t i = 0; i < json.value().size(); ++i) {
    TS_TRY(std::string text, json.at(i).text());
    if (text.empty() || text == "-") return json.at(i).expected("the name of a metric");
    sweep.objectives.push_back(std::move(text));
  }
  return {};
}

Result<void> readConstraints(const JsonReader& json, Sweep& sweep) {
  if (!json.value().is_array()) return json.expected("a list such as [\"bytes_total < 40e6\"]");
  for (std::size_t i = 0; i < json.value().size(); ++i) {
    TS_TRY(const std::string text, json.at(i).text());
    TS_TRY(Constraint constraint, parseConstraint(text, json.at(i).where()));
    sweep.constraints.push_back(std::move(constraint));
  }
  return {};
}

}  // namespace

Result<Constraint> parseConstraint(std::string_view text, std::string_view where) {
  const auto trim = [](std::string_view part) {
    const auto first = part.find_first_not_of(" =");
    return first == std::string_view::npos ? std::string_view()
                                           : part.substr(first, part.find_last_not_of(' ') - first + 1);
  };
  const std::size_t sign = text.find_first_of("<>");
  double bound = 0;
  if (sign != std::string_view::npos) {
    const std::string_view metric = trim(text.substr(0, sign)), number = trim(text.substr(sign + 1));
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bound);
    if (!metric.empty() && error == std::errc() && end == number.data() + number.size() && std::isfinite(bound))
      return Constraint{std::string(metric), text[sign] == '<', bound};
  }
  return fail(
      "expected METRIC < NUMBER or METRIC > NUMBER, such as 'bytes_total < 40e6', found '" + std::string(text) + "'",
      std::string(where));
}

std::string toText(const Constraint& constraint) {
  char number[32];
  const auto end = std::to_chars(number, number + sizeof number, constraint.bound).ptr;
  return constraint.metric + (constraint.below ? " < " : " > ") + std::string(number, end);
}

Result<Sweep> parseSweep(std::string_view text, std::string_view where) {
  const std::string file(where);
  TS_TRY(const nlohmann::json document, parseJson(text, file));
  const JsonReader json(document, file);
  TS_CHECK(json.object(
      {"name", "model", "seed", "threads", "task", "bench", "search", "objectives", "constraints", "groups"}));
  Sweep sweep;
  sweep.text = std::string(text);
  sweep.name = std::filesystem::path(file).stem().string();
  if (json.has("name")) {
    TS_TRY(sweep.name, json.at("name").text());
  }
  if (!json.has("model")) return fail("\"model\" is missing: a path or embedded:NAME", file);
  TS_TRY(sweep.model, json.at("model").text());
  if (json.has("seed")) {
    TS_TRY(sweep.seed, json.at("seed").integer(0, std::numeric_limits<std::int64_t>::max()));
  }
  if (json.has("threads")) {
    TS_TRY(sweep.threads, json.at("threads").integer(0, 4096));
  }
  if (json.has("task")) TS_CHECK(readTask(json.at("task"), sweep));
  if (json.has("bench")) TS_CHECK(readBench(json.at("bench"), sweep));
  if (!sweep.quality && !sweep.latency)
    return fail("\"task\" and \"bench\" are both null: there is nothing to measure", file);
  if (json.has("search")) TS_CHECK(readSearch(json.at("search"), sweep));
  if (json.has("objectives")) TS_CHECK(readObjectives(json.at("objectives"), sweep));
  if (json.has("constraints")) TS_CHECK(readConstraints(json.at("constraints"), sweep));
  if (sweep.method == "nsga2" && sweep.objectives.size() < 2)
    return fail(
        "method 'nsga2' needs \"objectives\": two or more metrics such as [\"perplexity\", \"-decode_tokens_per_s\"]",
        file);
  if (!json.has("groups") || !document.at("groups").is_array() || document.at("groups").empty())
    return fail("expected \"groups\": a list with at least one {...} of alternatives", file + ": groups");
  for (std::size_t i = 0; i < document.at("groups").size(); ++i) {
    TS_TRY(SweepGroup group, readGroup(json.at("groups").at(i)));
    sweep.groups.push_back(std::move(group));
  }
  sweep.task.seed = sweep.seed;
  sweep.bench.seed = sweep.seed;
  return sweep;
}

Result<Sweep> readSweep(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail("this is a folder; expected a sweep file (JSON)", path.string());
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fail(ErrorKind::Io,
                std::filesystem::exists(path, error) ? "the sweep file cannot be read" : "there is no such sweep file",
                path.string());
  if (std::filesystem::file_size(path, error) > kMaximumFile)
    return fail("a sweep file has at most " + std::to_string(kMaximumFile >> 20) + " MiB", path.string());
  std::ostringstream text;
  text << file.rdbuf();
  TS_TRY(Sweep sweep, parseSweep(text.str(), path.string()));
  const auto beside = [&](const std::filesystem::path& named) {
    const std::filesystem::path there = path.parent_path() / named;
    return named.is_relative() && std::filesystem::exists(there, error) ? there : named;
  };
  if (!sweep.task.data.empty()) sweep.task.data = beside(sweep.task.data);
  if (!sweep.model.starts_with("embedded:")) sweep.model = beside(sweep.model).string();
  return sweep;
}

std::string toJson(const Sweep& sweep) {
  using Json = nlohmann::ordered_json;
  Json json = {{"name", sweep.name}, {"model", sweep.model}, {"seed", sweep.seed}};
  if (sweep.threads) json["threads"] = sweep.threads;
  if (sweep.quality) {
    json["task"] = {{"name", sweep.task.task},
                    {"limit", sweep.task.limit},
                    {"context", sweep.task.context},
                    {"against_dense", sweep.task.againstDense}};
    if (sweep.task.untilStderr > 0) json["task"]["until_stderr"] = sweep.task.untilStderr;
    if (!sweep.task.data.empty()) json["task"]["data"] = sweep.task.data.string();
  } else {
    json["task"] = nullptr;
  }
  if (sweep.latency)
    json["bench"] = {{"prompt", sweep.bench.prompt},
                     {"generate", sweep.bench.generate},
                     {"depth", sweep.bench.depth},
                     {"repetitions", sweep.bench.repetitions},
                     {"warmup", sweep.bench.warmup}};
  if (sweep.latency && !sweep.bench.moreDepths.empty()) {
    json["bench"]["depth"] = Json::array({sweep.bench.depth});
    for (const std::int64_t depth : sweep.bench.moreDepths) json["bench"]["depth"].push_back(depth);
  }
  if (sweep.latency && sweep.memory) json["bench"]["memory"] = true;
  if (sweep.latency && sweep.bench.interval > 0) {
    json["bench"]["interval"] = sweep.bench.interval;
    json["bench"]["max_repetitions"] = sweep.bench.maximumRepetitions;
  }
  if (!sweep.latency)
    json["bench"] = nullptr;
  json["search"] = {{"method", sweep.method}};
  if (sweep.budget > 0) json["search"]["budget"] = sweep.budget;
  if (!sweep.objectives.empty()) json["objectives"] = sweep.objectives;
  for (const Constraint& constraint : sweep.constraints) json["constraints"].push_back(toText(constraint));
  json["groups"] = Json::array();
  for (const SweepGroup& group : sweep.groups) {
    Json out = Json::object();
    const auto write = [&](const char* key, const std::vector<std::vector<StrategySpec>>& chains) {
      for (const auto& chain : chains) out[key].push_back(chainText(chain));
    };
    write("weights", group.weights);
    write("kv", group.kv);
    write("decode", group.decode);
    write("sample", group.sample);
    write("search", group.search);
    for (const Activations activations : group.activations)
      out["activations"].push_back(activations == Activations::Q8 ? "q8" : "f32");
    json["groups"].push_back(std::move(out));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ts
