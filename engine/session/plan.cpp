// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/plan.h"

#include <functional>

namespace ts {
namespace {

struct Use {
  Family family;
  const StrategySpec* spec;
};

/// Every strategy of the plan in the order it acts, the default decoder included; `decode` keeps that one alive.
std::vector<Use> usesOf(const Plan& plan, const StrategySpec& decode) {
  std::vector<Use> uses;
  for (const auto& s : plan.weights) uses.push_back({Family::Weights, &s});
  for (const auto& s : plan.kv) uses.push_back({Family::KeyValue, &s});
  uses.push_back({Family::Decoding, &decode});
  for (const auto& s : plan.sample) uses.push_back({Family::Sampling, &s});
  if (plan.search) uses.push_back({Family::Search, &*plan.search});
  return uses;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// The descriptors a spec brings in: its own and those of the strategies its parameters name.
std::vector<const Descriptor*> descriptorsOf(Family family, const StrategySpec& spec) {
  std::vector<const Descriptor*> found;
  const Strategy* strategy = registry().find(family, spec.id);
  if (!strategy) return found;
  found.push_back(&strategy->descriptor);
  for (const Parameter& p : strategy->descriptor.parameters) {
    if (p.type != ParameterType::Strategy) continue;
    const auto given = spec.values.find(p.name);
    if (const Strategy* inner = registry().find(p.family, toText(given == spec.values.end() ? p.fallback : given->second)))
      found.push_back(&inner->descriptor);
  }
  return found;
}

/// "; --decode sample, --decode speculative would": the strategies that offer a capability.
std::string whoOffers(const std::string& capability) {
  std::string who;
  for (const Strategy& s : registry().all())
    for (const std::string& offered : s.descriptor.offers)
      if (offered == capability) who += (who.empty() ? "; " : ", ") + std::string("--") + std::string(name(s.descriptor.family)) + " " + s.descriptor.id;
  return who.empty() ? who : who + " would";
}

}  // namespace

StrategySpec effectiveDecode(const Plan& plan) {
  if (plan.decode) return *plan.decode;
  return StrategySpec{plan.sample.empty() ? "greedy" : "sample", {}};
}

std::string commandLine(const Plan& plan) {
  std::string line;
  const auto flag = [&](const char* name, const std::string& value) { line += (line.empty() ? "--" : " --") + std::string(name) + " " + value; };
  for (const auto& s : plan.weights) flag("weights", quoted(toText(s)));
  for (const auto& s : plan.kv) flag("kv", quoted(toText(s)));
  if (plan.decode) flag("decode", quoted(toText(*plan.decode)));
  for (const auto& s : plan.sample) flag("sample", quoted(toText(s)));
  if (plan.search) flag("search", quoted(toText(*plan.search)));
  if (plan.activations == Activations::Q8) flag("activations", "q8");
  if (plan.threads > 0) flag("threads", std::to_string(plan.threads));
  return line;
}

std::vector<std::string> commandWords(const Plan& plan) {
  std::vector<std::string> words;
  const auto flag = [&](const char* name, const std::string& value) { words.insert(words.end(), {std::string("--") + name, value}); };
  for (const auto& s : plan.weights) flag("weights", toText(s));
  for (const auto& s : plan.kv) flag("kv", toText(s));
  if (plan.decode) flag("decode", toText(*plan.decode));
  for (const auto& s : plan.sample) flag("sample", toText(s));
  if (plan.search) flag("search", toText(*plan.search));
  if (plan.activations == Activations::Q8) flag("activations", "q8");
  if (plan.threads > 0) flag("threads", std::to_string(plan.threads));
  return words;
}

Result<std::string> canonical(const Plan& plan) {
  const StrategySpec decode = effectiveDecode(plan);
  std::string text;
  for (const Use& use : usesOf(plan, decode)) {
    TS_TRY(const Settings settings, registry().resolve(use.family, *use.spec));
    text += std::string(name(use.family)) + "=" + toText(StrategySpec{use.spec->id, settings.values()}) + "\n";
  }
  // The thread count never changes a result (promise 3), so it belongs to the measurement, not to the plan's identity
  // of quality; it is kept here because it changes latency.
  text += std::string("activations=") + (plan.activations == Activations::Q8 ? "q8" : "f32") + "\n";
  text += "threads=" + std::to_string(plan.threads) + "\n";
  return text;
}

std::vector<NamedModel> modelsNamed(const Plan& plan) {
  std::vector<NamedModel> models;
  const StrategySpec decode = effectiveDecode(plan);
  for (const Use& use : usesOf(plan, decode))
    for (const Parameter* p : registry().parametersOf(use.family, *use.spec)) {
      if (!p->namesModel) continue;
      const auto given = use.spec->values.find(p->name);
      models.push_back({p->name, toText(given == use.spec->values.end() ? p->fallback : given->second)});
    }
  return models;
}

Result<void> check(const Plan& plan, const std::set<std::string>& modelOffers) {
  const StrategySpec decode = effectiveDecode(plan);
  const std::vector<Use> uses = usesOf(plan, decode);
  std::map<std::string, std::string> claimed;  // slot -> who
  std::set<std::string> offered = modelOffers;
  for (const Use& use : uses) {
    TS_CHECK(registry().resolve(use.family, *use.spec));
    for (const Descriptor* d : descriptorsOf(use.family, *use.spec)) {
      offered.insert(d->offers.begin(), d->offers.end());
      for (const std::string& slot : d->claims) {
        const auto [it, fresh] = claimed.emplace(slot, d->id);
        if (!fresh)
          return fail(ErrorKind::Refused, "'" + it->second + "' and '" + d->id + "' both set " + slot + "; switch one of them off",
                      "--" + std::string(name(use.family)) + " " + toText(*use.spec));
      }
    }
  }
  for (const Use& use : uses)
    for (const Descriptor* d : descriptorsOf(use.family, *use.spec))
      for (const std::string& need : d->needs)
        if (!offered.contains(need))
          return fail(ErrorKind::Refused,
                      "'" + d->id + "' needs '" + need + "', which neither the model nor another strategy of this plan offers" + whoOffers(need),
                      "--" + std::string(name(use.family)) + " " + toText(*use.spec));
  return {};
}

std::set<std::string> modelOffers(const ModelConfig& config, bool hasTokenizer) {
  std::set<std::string> offers{"attention", "causal"};
  if (config.gatedMlp) offers.insert("gated-mlp");
  if (hasTokenizer) offers.insert("tokenizer");
  if (config.kvHeads < config.heads) offers.insert("grouped-heads");
  if (config.placement != NormPlacement::Post) offers.insert("pre-norm");
  if (!config.ropes.empty()) offers.insert("rope");
  if (config.learnedPositions) offers.insert("learned-positions");
  return offers;
}

}  // namespace ts
