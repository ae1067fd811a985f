// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/export_metadata.h"

#include <algorithm>
#include <cstring>

#include "engine/formats/gguf_types.h"

namespace ts {
namespace {

/// Owns a vector of floats as a tensor.
GgufTensor floats(std::string name, const std::vector<double>& values) {
  auto copy = std::make_shared<std::vector<float>>(values.begin(), values.end());
  GgufTensor out{std::move(name), {values.size()}, {TensorType::F32, 1, static_cast<std::int64_t>(values.size())}};
  out.tensor.data = reinterpret_cast<const std::byte*>(copy->data());
  out.tensor.owner = copy;
  return out;
}

void putRope(const ModelConfig& c, const std::string& prefix, GgufFile& out) {
  const Rope& rope = c.ropes.front();
  const RopeScaling& s = rope.scaling;
  auto& m = out.metadata;
  m[prefix + "rope.freq_base"] = rope.theta;
  m[prefix + "rope.dimension_count"] = std::int64_t{rope.dims};
  if (c.ropes.size() > 1) m[prefix + "rope.freq_base_swa"] = c.ropes[1].theta;
  const auto scaled = [&](const char* type) {
    m[prefix + "rope.scaling.type"] = std::string(type);
    m[prefix + "rope.scaling.factor"] = s.factor;
    if (s.originalContext > 0) m[prefix + "rope.scaling.original_context_length"] = s.originalContext;
  };
  switch (s.kind) {
    case RopeScaling::Kind::None: break;
    case RopeScaling::Kind::Linear: scaled("linear"); break;
    case RopeScaling::Kind::Yarn: {
      scaled("yarn");
      m[prefix + "rope.scaling.yarn_beta_fast"] = s.betaFast;
      m[prefix + "rope.scaling.yarn_beta_slow"] = s.betaSlow;
      Rope own = rope;
      own.scaling.attentionFactor = 0.0;
      if (s.attentionFactor > 0.0) m[prefix + "rope.scaling.attn_factor"] = s.attentionFactor / ropeTable(own, c.contextLength).attentionFactor;
      break;
    }
    case RopeScaling::Kind::Llama3: {  // GGUF holds the result: how much slower each pair turns
      Rope plain = rope;
      plain.scaling = {};
      const auto fast = ropeTable(plain, c.contextLength).inverseFrequencies, slow = ropeTable(rope, c.contextLength).inverseFrequencies;
      std::vector<double> factors(fast.size());
      for (std::size_t i = 0; i < fast.size(); ++i) factors[i] = fast[i] / slow[i];
      out.tensors.push_back(floats("rope_freqs.weight", factors));
      break;
    }
    case RopeScaling::Kind::LongRope:
      m[prefix + "rope.scaling.type"] = std::string("longrope");
      m[prefix + "rope.scaling.factor"] = s.factor;
      m[prefix + "rope.scaling.original_context_length"] = s.originalContext;
      m[prefix + "rope.scaling.attn_factor"] = ropeTable(rope, c.contextLength).attentionFactor;
      out.tensors.push_back(floats("rope_factors_long.weight", s.longFactors));
      out.tensors.push_back(floats("rope_factors_short.weight", s.shortFactors));
      break;
  }
}

void putWindows(const ModelConfig& c, const Family& family, const std::string& prefix, GgufFile& out) {
  std::int64_t window = 0;
  std::vector<std::int64_t> flags;
  for (const LayerConfig& layer : c.layers) {
    window = std::max(window, layer.slidingWindow);
    flags.push_back(layer.slidingWindow > 0 ? 1 : 0);
  }
  if (window == 0) return;
  out.metadata[prefix + "attention.sliding_window"] = window;
  const bool gemma = family.id == "gemma3";
  bool usual = true;
  for (std::size_t i = 0; i < flags.size(); ++i) usual = usual && flags[i] == (gemma ? (i + 1) % 6 != 0 : true);
  if (usual) return;
  const std::string key = prefix + "attention.sliding_window_pattern";
  out.metadata[key] = std::make_shared<const GgufArray>(GgufArray{std::move(flags)});
  out.valueTypes[key] = static_cast<std::uint32_t>(GgufType::Bool);
}

}  // namespace

void putHyperParameters(const ModelConfig& c, const Family& family, GgufFile& out) {
  const std::string prefix = std::string(family.ggufName) + ".";
  auto& m = out.metadata;
  m["general.architecture"] = std::string(family.ggufName);
  m["general.name"] = c.name;
  m["general.quantization_version"] = std::int64_t{2};
  m[prefix + "block_count"] = std::int64_t{c.layerCount()};
  m[prefix + "context_length"] = c.contextLength;
  m[prefix + "embedding_length"] = std::int64_t{c.hidden};
  m[prefix + "feed_forward_length"] = std::int64_t{c.intermediate};
  m[prefix + "attention.head_count"] = std::int64_t{c.heads};
  m[prefix + "attention.head_count_kv"] = std::int64_t{c.kvHeads};
  m[prefix + "attention.key_length"] = std::int64_t{c.headDim};
  m[prefix + "attention.value_length"] = std::int64_t{c.headDim};
  m[prefix + "vocab_size"] = std::int64_t{c.vocabulary};
  m[prefix + (c.norm == NormKind::Layer ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon")] = static_cast<double>(c.normEpsilon);
  if (c.attentionScale != 0.0f) m[prefix + "attention.scale"] = static_cast<double>(c.attentionScale);
  if (c.attentionSoftcap != 0.0f) m[prefix + "attn_logit_softcapping"] = static_cast<double>(c.attentionSoftcap);
  if (c.logitSoftcap != 0.0f) m[prefix + "final_logit_softcapping"] = static_cast<double>(c.logitSoftcap);
  if (!c.ropes.empty()) putRope(c, prefix, out);
  putWindows(c, family, prefix, out);
}

void putOwnLayers(const ModelConfig& config, std::span<const LayerConfig> layers, GgufFile& out) {
  const std::string from = out.get<std::string>("general.architecture").value_or("");
  const std::string to = from.starts_with(kOwnArchitecture) ? from : std::string(kOwnArchitecture) + from;
  std::vector<std::int64_t> heads, kvHeads, intermediate, groups;
  bool equal = true;
  for (const LayerConfig& layer : layers) {
    const int queries = config.headsOf(layer), keys = config.kvHeadsOf(layer);
    heads.push_back(queries);
    kvHeads.push_back(keys);
    intermediate.push_back(config.intermediateOf(layer));
    for (int h = 0; h < queries; ++h) {
      const std::int64_t group = layer.queryToKv.empty() ? std::int64_t{h} * keys / queries : layer.queryToKv[static_cast<std::size_t>(h)];
      equal = equal && queries % keys == 0 && group == h / (queries / keys);
      groups.push_back(group);
    }
  }
  if (to != from) {
    std::map<std::string, GgufValue, std::less<>> renamed;
    for (auto& [key, value] : out.metadata) {
      const bool own = key.starts_with(from + ".");
      const std::string name = own ? to + key.substr(from.size()) : key;
      if (const auto type = out.valueTypes.extract(key); own && !type.empty()) out.valueTypes[name] = type.mapped();
      else if (!type.empty()) out.valueTypes[key] = type.mapped();
      renamed[name] = std::move(value);
    }
    out.metadata = std::move(renamed);
  }
  const auto put = [&](const std::string& key, std::vector<std::int64_t> values) {
    out.valueTypes.erase(key);
    out.metadata[key] = std::make_shared<const GgufArray>(GgufArray{std::move(values)});
  };
  out.metadata["general.architecture"] = to;
  put(to + ".attention.head_count", std::move(heads));
  put(to + ".attention.head_count_kv", std::move(kvHeads));
  put(to + ".feed_forward_length", std::move(intermediate));
  out.metadata.erase(std::string(kOwnGroups));
  if (!equal) put(std::string(kOwnGroups), std::move(groups));
  // Without them in the file, the head's size would be guessed from the number of heads.
  for (const char* key : {".attention.key_length", ".attention.value_length"}) out.metadata[to + key] = std::int64_t{config.headDim};
}

}  // namespace ts
