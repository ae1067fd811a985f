// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/gguf_model.h"

#include <algorithm>
#include <cmath>

#include "engine/formats/byte_reader.h"
#include "engine/formats/families.h"
#include "engine/formats/gguf_types.h"

namespace ts {
namespace {

constexpr std::int64_t kMostSize = std::int64_t{1} << 24;
constexpr std::int64_t kMostContext = std::int64_t{1} << 40;

/// Hyper-parameters under "ARCHITECTURE.": each with a range, errors name the file and the key.
class Keys {
 public:
  explicit Keys(const GgufFile& file) : file_(file), prefix_(file.get<std::string>("general.architecture").value_or("") + ".") {}

  std::string name(std::string_view key) const { return prefix_ + std::string(key); }
  bool has(std::string_view key) const { return file_.metadata.contains(name(key)); }

  Result<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most, std::optional<std::int64_t> otherwise = {}) const {
    if (!has(key) && otherwise) return *otherwise;
    auto value = file_.get<std::int64_t>(name(key));
    if (!value || *value < least || *value > most)
      return fail("expected metadata " + inQuotes(name(key)) + ", a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                      (value ? ", found " + std::to_string(*value) : has(key) ? ", found another type" : ", it is missing"),
                  file_.path.string());
    return *value;
  }
  /// One number for each of `layers` layers: a list of them, or one for all.
  Result<std::vector<std::int64_t>> perLayer(std::string_view key, std::size_t layers, std::int64_t least, std::int64_t most,
                                             std::optional<std::int64_t> otherwise = {}) const {
    const auto* list = file_.array<std::int64_t>(name(key));
    if (list == nullptr) {
      TS_TRY(const auto value, integer(key, least, most, otherwise));
      return std::vector<std::int64_t>(layers, value);
    }
    if (list->size() != layers || std::any_of(list->begin(), list->end(), [&](std::int64_t v) { return v < least || v > most; }))
      return fail("expected metadata " + inQuotes(name(key)) + ", a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                      " for each of the " + std::to_string(layers) + " layers",
                  file_.path.string());
    return *list;
  }
  Result<double> number(std::string_view key, double least, double most, std::optional<double> otherwise = {}) const {
    if (!has(key) && otherwise) return *otherwise;
    const auto value = file_.get<double>(name(key));
    if (!value || !(*value >= least && *value <= most)) {
      char range[96];
      std::snprintf(range, sizeof range, "from %.6g to %.6g", least, most);
      return fail("expected metadata " + inQuotes(name(key)) + ", a number " + range + (has(key) ? "" : ", it is missing"), file_.path.string());
    }
    return *value;
  }
  std::string text(std::string_view key) const { return file_.get<std::string>(name(key)).value_or(""); }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

/// Where layers differ (our own architectures), what each has; and which key/value head its query heads read.
Result<void> readLayers(const GgufFile& file, const std::vector<std::int64_t>& heads, const std::vector<std::int64_t>& kvHeads,
                        const std::vector<std::int64_t>& intermediate, ModelConfig& c) {
  const auto* groups = file.array<std::int64_t>(kOwnGroups);
  std::size_t at = 0;
  for (std::size_t i = 0; i < c.layers.size(); ++i) {
    LayerConfig& layer = c.layers[i];
    if (heads[i] != c.heads || kvHeads[i] != c.kvHeads || intermediate[i] != c.intermediate || groups != nullptr) {
      layer.heads = static_cast<int>(heads[i]);
      layer.kvHeads = static_cast<int>(kvHeads[i]);
      layer.intermediate = static_cast<int>(intermediate[i]);
    }
    if (groups == nullptr) {
      if (heads[i] % kvHeads[i] != 0)
        return fail("expected the number of query heads (" + std::to_string(heads[i]) + ") to be a multiple of that of key/value heads (" +
                        std::to_string(kvHeads[i]) + ")",
                    file.path.string());
      continue;
    }
    for (std::int64_t h = 0; h < heads[i]; ++h, ++at) {
      const std::int64_t before = h == 0 ? 0 : layer.queryToKv.back();
      if (at >= groups->size() || (*groups)[at] < before || (*groups)[at] >= kvHeads[i])
        return fail("expected metadata " + inQuotes(kOwnGroups) + ", the key/value head of every query head of every layer in order", file.path.string());
      layer.queryToKv.push_back(static_cast<int>((*groups)[at]));
    }
  }
  return {};
}

Result<void> readSizes(const GgufFile& file, const Keys& keys, ModelConfig& c) {
  const auto put = [](auto& out, const Result<std::int64_t>& value) -> Result<void> {
    if (!value) return tl::unexpected(value.error());
    out = static_cast<std::remove_reference_t<decltype(out)>>(*value);
    return {};
  };
  TS_TRY(const auto layers, keys.integer("block_count", 1, 10000));
  c.layers.assign(static_cast<std::size_t>(layers), LayerConfig{0, c.learnedPositions ? -1 : 0});
  TS_CHECK(put(c.hidden, keys.integer("embedding_length", 1, kMostSize)));
  TS_TRY(const auto heads, keys.perLayer("attention.head_count", c.layers.size(), 1, 65536));
  c.heads = static_cast<int>(*std::max_element(heads.begin(), heads.end()));
  TS_TRY(const auto kvHeads, keys.perLayer("attention.head_count_kv", c.layers.size(), 1, 65536, c.heads));
  c.kvHeads = static_cast<int>(*std::max_element(kvHeads.begin(), kvHeads.end()));
  TS_CHECK(put(c.headDim, keys.integer("attention.key_length", 1, kMostSize, c.hidden / c.heads)));
  TS_TRY(const auto valueLength, keys.integer("attention.value_length", 1, kMostSize, c.headDim));
  if (valueLength != c.headDim) return fail(ErrorKind::Unsupported, "expected keys and values of the same length", file.path.string());
  TS_TRY(const auto intermediate, keys.perLayer("feed_forward_length", c.layers.size(), 1, kMostSize));
  c.intermediate = static_cast<int>(*std::max_element(intermediate.begin(), intermediate.end()));
  TS_CHECK(put(c.contextLength, keys.integer("context_length", 1, kMostContext)));
  TS_TRY(const double epsilon, keys.number(c.norm == NormKind::Layer ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 0.0, 1.0));
  c.normEpsilon = static_cast<float>(epsilon);
  if (c.headDim < 1 || static_cast<std::int64_t>(c.heads) * c.headDim > kMostSize)
    return fail("expected heads of at least one dimension, and " + std::to_string(c.heads) + " of them to be at most " + std::to_string(kMostSize) + " wide",
                file.path.string());
  TS_CHECK(readLayers(file, heads, kvHeads, intermediate, c));
  const GgufTensor* embedding = file.find("token_embd.weight");
  if (embedding == nullptr) return fail("expected tensor \"token_embd.weight\"", file.path.string());
  if (embedding->tensor.rows > kMostSize) return fail("expected a vocabulary of at most " + std::to_string(kMostSize), file.path.string());
  c.vocabulary = static_cast<int>(embedding->tensor.rows);
  c.tiedEmbeddings = file.find("output.weight") == nullptr;
  return {};
}

/// Factors of each rotated pair, in a tensor: one set (Llama 3.1) or one for short and one for long contexts (Phi-3).
Result<std::vector<double>> factorsOf(const GgufFile& file, const std::string& name, int dims) {
  const GgufTensor* entry = file.find(name);
  if (entry == nullptr) return std::vector<double>{};
  if (entry->tensor.rows * entry->tensor.cols != dims / 2)
    return fail("expected " + std::to_string(dims / 2) + " values (half the rotated dimensions of a head) in tensor " + inQuotes(name), file.path.string());
  const auto values = entry->tensor.toFloats();
  for (const float v : values)
    if (!(v > 0.0f && v < 1e9f)) return fail("expected positive factors in tensor " + inQuotes(name), file.path.string());
  return std::vector<double>(values.begin(), values.end());
}

Result<Rope> readRope(const GgufFile& file, const Keys& keys, const ModelConfig& c, bool interleaved) {
  Rope rope;
  rope.interleaved = interleaved;
  TS_TRY(rope.theta, keys.number("rope.freq_base", 1e-3, 1e15, 10000.0));
  TS_TRY(const auto dims, keys.integer("rope.dimension_count", 2, c.headDim, c.headDim));
  if (dims % 2 != 0) return fail("expected an even number in metadata " + inQuotes(keys.name("rope.dimension_count")), file.path.string());
  rope.dims = static_cast<int>(dims);
  RopeScaling& s = rope.scaling;
  TS_TRY(s.originalContext, keys.integer("rope.scaling.original_context_length", 2, kMostContext, std::max<std::int64_t>(c.contextLength, 2)));
  TS_TRY(const double legacy, keys.number("rope.scale_linear", 1e-6, 1e6, 1.0));
  TS_TRY(s.factor, keys.number("rope.scaling.factor", 0.0, 1e6, legacy));
  if (s.factor == 0.0) s.factor = 1.0;  // llama.cpp: not scaled
  TS_TRY(const double attention, keys.number("rope.scaling.attn_factor", 0.0, 1e6, 0.0));
  const std::string type = keys.text("rope.scaling.type");
  TS_TRY(auto factors, factorsOf(file, "rope_freqs.weight", rope.dims));
  TS_TRY(auto longFactors, factorsOf(file, "rope_factors_long.weight", rope.dims));
  TS_TRY(auto shortFactors, factorsOf(file, "rope_factors_short.weight", rope.dims));
  if (!longFactors.empty() && !shortFactors.empty()) {
    s.kind = RopeScaling::Kind::LongRope;
    s.attentionFactor = attention;
    if (!keys.has("rope.scaling.factor")) s.factor = static_cast<double>(c.contextLength) / static_cast<double>(s.originalContext);
    s.shortFactors = std::move(shortFactors);
    s.longFactors = std::move(longFactors);
  } else if (!factors.empty()) {
    // Llama 3.1's scaling comes computed: factors that hold for any context, which LongRoPE can say.
    s.kind = RopeScaling::Kind::LongRope;
    s.attentionFactor = 1.0;
    s.shortFactors = factors;
    s.longFactors = std::move(factors);
  } else if (type == "yarn") {
    s.kind = RopeScaling::Kind::Yarn;
    if (rope.theta <= 1.0) return fail("expected metadata " + inQuotes(keys.name("rope.freq_base")) + " above 1 for YaRN", file.path.string());
    TS_TRY(s.betaFast, keys.number("rope.scaling.yarn_beta_fast", 1e-6, 1e6, 32.0));
    TS_TRY(s.betaSlow, keys.number("rope.scaling.yarn_beta_slow", 1e-6, 1e6, 1.0));
    // llama.cpp multiplies its own formula by this factor.
    if (attention > 0.0 && attention != 1.0) s.attentionFactor = attention * (0.1 * std::log(std::max(s.factor, 1.0)) + 1.0);
  } else if ((type == "linear" || type.empty()) && s.factor != 1.0) {
    s.kind = RopeScaling::Kind::Linear;
  } else if (!type.empty() && type != "none" && type != "linear") {
    return fail(ErrorKind::Unsupported, "expected rope scaling of type none, linear, yarn or longrope with its factors, found " + inQuotes(type), file.path.string());
  }
  return rope;
}

Result<void> slidingWindows(const GgufFile& file, const Keys& keys, ModelConfig& c) {
  TS_TRY(const auto window, keys.integer("attention.sliding_window", 0, kMostContext, 0));
  const bool gemma = c.architecture == "gemma3";
  const auto* flags = file.array<std::int64_t>(keys.name("attention.sliding_window_pattern"));
  if (flags != nullptr && flags->size() != c.layers.size())
    return fail("expected one value a layer in metadata " + inQuotes(keys.name("attention.sliding_window_pattern")), file.path.string());
  std::int64_t pattern = gemma ? 6 : 1;
  if (flags == nullptr) {
    TS_TRY(pattern, keys.integer("attention.sliding_window_pattern", 1, 10000, pattern));
  }
  for (std::size_t i = 0; i < c.layers.size(); ++i) {
    const bool all = !gemma && flags == nullptr && pattern == 1;
    const bool sliding = flags != nullptr ? (*flags)[i] != 0 : all || (static_cast<std::int64_t>(i) + 1) % pattern != 0;
    c.layers[i].slidingWindow = sliding ? window : 0;
    if (gemma) c.layers[i].rope = sliding ? 1 : 0;
  }
  return {};
}

Result<void> gemma(const Keys& keys, ModelConfig& c) {
  c.embeddingScale = std::sqrt(static_cast<float>(c.hidden));
  // llama.cpp: the 27B model (62 layers) scales by hidden / heads, the others by the head's own size.
  const double size = c.layerCount() == 62 ? static_cast<double>(c.hidden) / c.heads : c.headDim;
  if (c.attentionScale == 0.0f) c.attentionScale = static_cast<float>(1.0 / std::sqrt(size));
  TS_TRY(const double attention, keys.number("attn_logit_softcapping", 0.0, 1e9, 0.0));
  TS_TRY(const double logits, keys.number("final_logit_softcapping", 0.0, 1e9, 0.0));
  c.attentionSoftcap = static_cast<float>(attention);
  c.logitSoftcap = static_cast<float>(logits);
  Rope local = c.ropes.front();
  TS_TRY(local.theta, keys.number("rope.freq_base_swa", 1e-3, 1e15, 10000.0));
  local.scaling = {};
  c.ropes.push_back(std::move(local));
  return {};
}

}  // namespace

Result<ModelConfig> ggufConfig(const GgufFile& file) {
  const auto architecture = file.get<std::string>("general.architecture");
  if (!architecture) return fail("expected metadata \"general.architecture\", a text", file.path.string());
  const Family* family = familyOfGguf(*architecture);
  if (family == nullptr)
    return fail(ErrorKind::Unsupported,
                "expected a model of one of the families " + supportedFamilies() + "; \"general.architecture\" is " + inQuotes(*architecture), file.path.string());
  const Keys keys(file);
  TS_TRY(const auto experts, keys.integer("expert_count", 0, kMostSize, 0));
  if (experts > 0) return fail(ErrorKind::Unsupported, "expected a model without experts (" + supportedFamilies() + "), this one has " + std::to_string(experts), file.path.string());
  if (file.get<std::int64_t>("split.count").value_or(1) > 1)
    return fail(ErrorKind::Unsupported, "expected a model in one file, this is a part of several; merge them first (llama-gguf-split --merge)", file.path.string());

  ModelConfig c;
  c.architecture = family->id;
  c.name = shortText(file.get<std::string>("general.name").value_or(file.path.stem().string()), 200);
  c.norm = family->norm == NormKind::RmsPlusOne ? NormKind::Rms : family->norm;
  c.placement = family->placement;
  c.qkNorm = family->qkNorm;
  c.gatedMlp = family->gatedMlp;
  c.learnedPositions = family->learnedPositions;
  c.gate = family->id == "gemma3" || family->id == "gpt2" ? Gate::GeluTanh : Gate::Silu;
  TS_CHECK(readSizes(file, keys, c));
  TS_TRY(const double scale, keys.number("attention.scale", 0.0, 1e6, 0.0));
  c.attentionScale = static_cast<float>(scale);
  if (c.learnedPositions) return c;
  TS_TRY(Rope rope, readRope(file, keys, c, family->ggufInterleaved));
  c.ropes = {std::move(rope)};
  if (family->id == "gemma3") TS_CHECK(gemma(keys, c));
  TS_CHECK(slidingWindows(file, keys, c));
  return c;
}

}  // namespace ts
