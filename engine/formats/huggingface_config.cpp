// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include "engine/formats/byte_reader.h"
#include "engine/formats/huggingface.h"

namespace ts {
namespace {

constexpr std::int64_t kMostSize = std::int64_t{1} << 24;  ///< hidden, intermediate
constexpr std::int64_t kMostHeads = 65536;
constexpr std::int64_t kMostLayers = 10000;
constexpr std::int64_t kMostContext = std::int64_t{1} << 40;

Result<Gate> gateOf(const JsonFields& in) {
  for (const char* key : {"hidden_activation", "hidden_act", "activation_function"}) {
    if (!in.has(key)) continue;
    TS_TRY(const std::string name, in.text(key));
    if (name == "silu" || name == "swish") return Gate::Silu;
    if (name == "gelu_pytorch_tanh" || name == "gelu_new") return Gate::GeluTanh;
    if (name == "gelu") return Gate::Gelu;
    return fail(ErrorKind::Unsupported, "expected \"" + std::string(key) + "\" silu, gelu_pytorch_tanh, gelu_new or gelu, found " + inQuotes(name), in.place());
  }
  return fail("expected \"hidden_act\", the activation function", in.place());
}

template <class Out>
Result<void> put(Out& out, Result<std::int64_t> value) {
  if (!value) return tl::unexpected(std::move(value).error());
  out = static_cast<Out>(*value);
  return {};
}

/// Sizes under GPT-2's own names.
Result<void> gpt2Sizes(const JsonFields& in, ModelConfig& c) {
  TS_CHECK(put(c.hidden, in.integer("n_embd", 1, kMostSize)));
  TS_CHECK(put(c.heads, in.integer("n_head", 1, kMostHeads)));
  TS_CHECK(put(c.intermediate, in.integer("n_inner", 1, kMostSize, 4ll * c.hidden)));
  TS_CHECK(put(c.contextLength, in.integer("n_positions", 1, kMostSize)));
  TS_TRY(const double epsilon, in.number("layer_norm_epsilon", 0.0, 1.0));
  c.normEpsilon = static_cast<float>(epsilon);
  c.kvHeads = c.heads;
  c.headDim = c.hidden / c.heads;
  TS_TRY(const bool scaled, in.truth("scale_attn_weights", true));
  if (!scaled) c.attentionScale = 1.0f;
  for (const char* unusual : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"}) {
    TS_TRY(const bool on, in.truth(unusual, false));
    if (on) return fail(ErrorKind::Unsupported, "expected \"" + std::string(unusual) + "\" to be false: no model here has it", in.place());
  }
  TS_TRY(const auto layers, in.integer("n_layer", 1, kMostLayers));
  c.layers.resize(static_cast<std::size_t>(layers));
  return {};
}

Result<void> sizes(const JsonFields& in, ModelConfig& c) {
  TS_CHECK(put(c.hidden, in.integer("hidden_size", 1, kMostSize)));
  TS_CHECK(put(c.heads, in.integer("num_attention_heads", 1, kMostHeads)));
  TS_CHECK(put(c.kvHeads, in.integer("num_key_value_heads", 1, kMostHeads, c.heads)));
  TS_CHECK(put(c.headDim, in.integer("head_dim", 1, kMostSize, c.hidden / c.heads)));
  TS_CHECK(put(c.intermediate, in.integer("intermediate_size", 1, kMostSize)));
  TS_CHECK(put(c.contextLength, in.integer("max_position_embeddings", 1, kMostContext)));
  TS_TRY(const double epsilon, in.number("rms_norm_eps", 0.0, 1.0));
  c.normEpsilon = static_cast<float>(epsilon);
  TS_TRY(const auto layers, in.integer("num_hidden_layers", 1, kMostLayers));
  c.layers.assign(static_cast<std::size_t>(layers), LayerConfig{0, 0});
  return {};
}

Result<JsonFields> ropeParameters(const JsonFields& in) {
  for (const char* key : {"rope_scaling", "rope_parameters"})  // the older key goes first, as in transformers
    if (const auto* value = in.find(key); value != nullptr && !value->empty()) return in.child(key);
  return JsonFields(nlohmann::json::object(), in.place());
}

/// Gemma 3 turns local layers with another base than global ones; scaling is for the global ones.
Result<void> gemmaRopes(const JsonFields& in, ModelConfig& c) {
  TS_TRY(const JsonFields parameters, ropeParameters(in));
  TS_TRY(const double globalTheta, in.number("rope_theta", 1e-3, 1e15));
  TS_TRY(const double localTheta, in.number("rope_local_base_freq", 1e-3, 1e15));
  nlohmann::json local = {{"rope_theta", localTheta}}, global = parameters.object();
  if (global.contains("full_attention") || global.contains("sliding_attention")) {
    if (const auto* own = parameters.find("sliding_attention"); own != nullptr && own->is_object()) {
      local = *own;
      if (!local.contains("rope_theta")) local["rope_theta"] = localTheta;
    }
    const auto* own = parameters.find("full_attention");
    global = own != nullptr && own->is_object() ? *own : nlohmann::json::object();
  }
  TS_TRY(Rope globalRope, huggingFaceRope(JsonFields(global, parameters.place()), in, c.headDim, globalTheta));
  TS_TRY(Rope localRope, huggingFaceRope(JsonFields(local, parameters.place()), in, c.headDim, localTheta));
  c.ropes = {std::move(globalRope), std::move(localRope)};
  return {};
}

Result<void> slidingWindows(const Family& family, const JsonFields& in, ModelConfig& c) {
  TS_TRY(std::int64_t window, in.integer("sliding_window", 0, kMostContext, 0));
  TS_TRY(const bool used, in.truth("use_sliding_window", true));
  if (!used) window = 0;
  const bool gemma = family.id == "gemma3";
  if (in.has("layer_types")) {
    TS_TRY(const auto types, in.texts("layer_types", kMostLayers));
    if (types.size() != c.layers.size())
      return fail("expected \"layer_types\" of " + std::to_string(c.layers.size()) + " layers, found " + std::to_string(types.size()), in.place());
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (types[i] != "full_attention" && types[i] != "sliding_attention")
        return fail(ErrorKind::Unsupported, "expected layers of type full_attention or sliding_attention, found " + inQuotes(types[i]), in.place());
      const bool sliding = types[i] == "sliding_attention";
      c.layers[i].slidingWindow = sliding ? window : 0;
      if (gemma) c.layers[i].rope = sliding ? 1 : 0;
    }
    return {};
  }
  TS_TRY(const auto pattern, in.integer("sliding_window_pattern", 1, kMostLayers, 1));
  TS_TRY(const auto firstSliding, in.integer("max_window_layers", 0, kMostLayers, 0));
  for (std::size_t i = 0; i < c.layers.size(); ++i) {
    const bool sliding = gemma ? (static_cast<std::int64_t>(i) + 1) % pattern != 0 : static_cast<std::int64_t>(i) >= firstSliding;
    c.layers[i].slidingWindow = sliding ? window : 0;
    if (gemma) c.layers[i].rope = sliding ? 1 : 0;
  }
  return {};
}

Result<void> gemma(const JsonFields& in, ModelConfig& c) {
  c.embeddingScale = std::sqrt(static_cast<float>(c.hidden));
  TS_TRY(const double scalar, in.number("query_pre_attn_scalar", 1e-6, 1e9));
  c.attentionScale = static_cast<float>(1.0 / std::sqrt(scalar));
  TS_TRY(const double attention, in.number("attn_logit_softcapping", 0.0, 1e9, 0.0));
  TS_TRY(const double logits, in.number("final_logit_softcapping", 0.0, 1e9, 0.0));
  c.attentionSoftcap = static_cast<float>(attention);
  c.logitSoftcap = static_cast<float>(logits);
  TS_TRY(const bool both, in.truth("use_bidirectional_attention", false));
  if (both) return fail(ErrorKind::Unsupported, "expected \"use_bidirectional_attention\" to be false: this is no causal language model", in.place());
  return {};
}

Result<JsonFields> withDefaults(const Family& family, const JsonFields& in) {
  nlohmann::json merged = nlohmann::json::parse(family.defaults);
  for (const auto& [key, value] : in.object().items())
    // An explicit null means "no window", "one key/value head a query head", "hidden / heads"; elsewhere "not said".
    if (!value.is_null() || key == "sliding_window" || key == "num_key_value_heads" || key == "head_dim") merged[key] = value;
  return JsonFields(std::move(merged), in.place());
}

}  // namespace

Result<ModelConfig> huggingFaceConfig(const JsonFields& file) {
  TS_TRY(const std::string modelType, file.text("model_type"));
  const Family* family = familyOfModelType(modelType);
  if (family == nullptr)
    return fail(ErrorKind::Unsupported, "expected a model of one of the families " + supportedFamilies() + "; \"model_type\" is " + inQuotes(modelType), file.place());
  if (file.has("quantization_config"))
    return fail(ErrorKind::Unsupported, "expected weights that are not quantized, \"quantization_config\" says they are; take the original model or a GGUF file", file.place());
  JsonFields text = file;
  if (file.has("text_config")) {
    TS_TRY(text, file.child("text_config"));
    if (text.has("quantization_config")) return fail(ErrorKind::Unsupported, "expected weights that are not quantized", text.place());
  }
  TS_TRY(const JsonFields in, withDefaults(*family, text));

  ModelConfig c;
  c.architecture = family->id;
  c.norm = family->norm;
  c.placement = family->placement;
  c.qkNorm = family->qkNorm;
  c.gatedMlp = family->gatedMlp;
  c.learnedPositions = family->learnedPositions;
  TS_CHECK(put(c.vocabulary, in.integer("vocab_size", 1, kMostSize)));
  TS_TRY(c.gate, gateOf(in));
  TS_TRY(c.tiedEmbeddings, in.truth("tie_word_embeddings", false));
  if (c.learnedPositions) {
    TS_CHECK(gpt2Sizes(in, c));
  } else {
    TS_CHECK(sizes(in, c));
  }
  if (c.headDim < 1 || c.heads % c.kvHeads != 0 || static_cast<std::int64_t>(c.heads) * c.headDim > kMostSize)
    return fail("expected the number of query heads (" + std::to_string(c.heads) + ") to be a multiple of that of key/value heads (" +
                    std::to_string(c.kvHeads) + "), and heads of at least one dimension",
                in.place());
  if (c.learnedPositions) return c;
  if (family->id == "gemma3") {
    TS_CHECK(gemma(in, c));
    TS_CHECK(gemmaRopes(in, c));
  } else {
    TS_TRY(const JsonFields parameters, ropeParameters(in));
    TS_TRY(Rope rope, huggingFaceRope(parameters, in, c.headDim, 10000.0));
    c.ropes = {std::move(rope)};
  }
  TS_CHECK(slidingWindows(*family, in, c));
  return c;
}

}  // namespace ts
