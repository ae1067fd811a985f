// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/families.h"

#include <algorithm>
#include <array>

#include "engine/formats/gguf_types.h"

namespace ts {
namespace {

constexpr TensorNames kOuter[] = {
    {"embedding", "embed_tokens", "token_embd"},
    {"final_norm", "norm", "output_norm"},
    {"head", "lm_head", "output"},
};

constexpr TensorNames kLlama[] = {
    {"attention_norm", "input_layernorm", "attn_norm"},
    {"q", "self_attn.q_proj", "attn_q"},
    {"k", "self_attn.k_proj", "attn_k"},
    {"v", "self_attn.v_proj", "attn_v"},
    {"o", "self_attn.o_proj", "attn_output"},
    {"q_norm", "self_attn.q_norm", "attn_q_norm"},
    {"k_norm", "self_attn.k_norm", "attn_k_norm"},
    {"mlp_norm", "post_attention_layernorm", "ffn_norm"},
    {"gate", "mlp.gate_proj", "ffn_gate"},
    {"up", "mlp.up_proj", "ffn_up"},
    {"down", "mlp.down_proj", "ffn_down"},
};

/// Norms on both sides of each sublayer (Gemma 3) or behind it only (OLMo 2: the other two are absent).
constexpr TensorNames kBothSides[] = {
    {"attention_norm", "input_layernorm", "attn_norm"},
    {"attention_post_norm", "post_attention_layernorm", "post_attention_norm"},
    {"q", "self_attn.q_proj", "attn_q"},
    {"k", "self_attn.k_proj", "attn_k"},
    {"v", "self_attn.v_proj", "attn_v"},
    {"o", "self_attn.o_proj", "attn_output"},
    {"q_norm", "self_attn.q_norm", "attn_q_norm"},
    {"k_norm", "self_attn.k_norm", "attn_k_norm"},
    {"mlp_norm", "pre_feedforward_layernorm", "ffn_norm"},
    {"mlp_post_norm", "post_feedforward_layernorm", "post_ffw_norm"},
    {"gate", "mlp.gate_proj", "ffn_gate"},
    {"up", "mlp.up_proj", "ffn_up"},
    {"down", "mlp.down_proj", "ffn_down"},
};

constexpr TensorNames kPhi3[] = {
    {"attention_norm", "input_layernorm", "attn_norm"},
    {"qkv", "self_attn.qkv_proj", "attn_qkv"},
    {"o", "self_attn.o_proj", "attn_output"},
    {"mlp_norm", "post_attention_layernorm", "ffn_norm"},
    {"gate_up", "mlp.gate_up_proj", "ffn_up"},
    {"down", "mlp.down_proj", "ffn_down"},
};

constexpr TensorNames kGpt2Outer[] = {
    {"embedding", "wte", "token_embd"},
    {"positions", "wpe", "position_embd"},
    {"final_norm", "ln_f", "output_norm"},
    {"head", "lm_head", "output"},
};

constexpr TensorNames kGpt2[] = {
    {"attention_norm", "ln_1", "attn_norm"},
    {"qkv", "attn.c_attn", "attn_qkv"},
    {"o", "attn.c_proj", "attn_output"},
    {"mlp_norm", "ln_2", "ffn_norm"},
    {"up", "mlp.c_fc", "ffn_up"},
    {"down", "mlp.c_proj", "ffn_down"},
};

// Defaults: transformers 5.23, models/*/configuration_*.py. Sizes that no configuration leaves out have none.
const std::array<Family, 8> kFamilies{{
    {.id = "llama", .title = "Llama", .modelTypes = {"llama"}, .ggufName = "llama", .outer = kOuter, .layers = kLlama,
     .layerPrefix = "layers.",
     .defaults = R"({"max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "hidden_act": "silu"})",
     .ggufInterleaved = true},
    {.id = "mistral", .title = "Mistral", .modelTypes = {"mistral"}, .ggufName = "llama", .outer = kOuter, .layers = kLlama,
     .layerPrefix = "layers.",
     .defaults = R"({"num_key_value_heads": 8, "max_position_embeddings": 131072, "rms_norm_eps": 1e-6,
                     "hidden_act": "silu", "sliding_window": 4096})",
     .ggufInterleaved = true},
    {.id = "qwen2", .title = "Qwen2", .modelTypes = {"qwen2"}, .ggufName = "qwen2", .outer = kOuter, .layers = kLlama,
     .layerPrefix = "layers.",
     .defaults = R"({"num_key_value_heads": 32, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
                     "hidden_act": "silu", "sliding_window": 4096, "max_window_layers": 28, "use_sliding_window": false})"},
    {.id = "qwen3", .title = "Qwen3", .modelTypes = {"qwen3"}, .ggufName = "qwen3", .outer = kOuter, .layers = kLlama,
     .layerPrefix = "layers.",
     .defaults = R"({"num_key_value_heads": 32, "head_dim": 128, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
                     "hidden_act": "silu", "sliding_window": 4096, "max_window_layers": 28, "use_sliding_window": false})",
     .qkNorm = QkNorm::PerHead},
    {.id = "gemma3", .title = "Gemma 3", .modelTypes = {"gemma3_text", "gemma3"}, .ggufName = "gemma3", .outer = kOuter,
     .layers = kBothSides, .layerPrefix = "layers.",
     .defaults = R"({"vocab_size": 262208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
                     "max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "hidden_activation": "gelu_pytorch_tanh",
                     "query_pre_attn_scalar": 256, "sliding_window": 4096, "sliding_window_pattern": 6,
                     "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "tie_word_embeddings": true})",
     .norm = NormKind::RmsPlusOne, .placement = NormPlacement::PreAndPost, .qkNorm = QkNorm::PerHead},
    {.id = "phi3", .title = "Phi-3", .modelTypes = {"phi3"}, .ggufName = "phi3", .outer = kOuter, .layers = kPhi3,
     .layerPrefix = "layers.",
     .defaults = R"({"max_position_embeddings": 4096, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
                     "hidden_act": "silu"})"},
    {.id = "olmo2", .title = "OLMo 2", .modelTypes = {"olmo2"}, .ggufName = "olmo2", .outer = kOuter, .layers = kBothSides,
     .layerPrefix = "layers.",
     .defaults = R"({"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "hidden_act": "silu"})",
     .placement = NormPlacement::Post, .qkNorm = QkNorm::Whole},
    {.id = "gpt2", .title = "GPT-2", .modelTypes = {"gpt2"}, .ggufName = "gpt2", .outer = kGpt2Outer, .layers = kGpt2,
     .layerPrefix = "h.",
     .defaults = R"({"layer_norm_epsilon": 1e-5, "activation_function": "gelu_new", "tie_word_embeddings": true})",
     .norm = NormKind::Layer, .gatedMlp = false, .learnedPositions = true, .conv1d = true},
}};

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family* familyOfModelType(std::string_view modelType) {
  for (const Family& family : kFamilies)
    if (std::find(family.modelTypes.begin(), family.modelTypes.end(), modelType) != family.modelTypes.end()) return &family;
  return nullptr;
}

const Family* familyOfGguf(std::string_view architecture) {
  if (architecture.starts_with(kOwnArchitecture)) architecture.remove_prefix(kOwnArchitecture.size());
  for (const Family& family : kFamilies)
    if (family.ggufName == architecture) return &family;  // Mistral is "llama" there
  return nullptr;
}

const Family* familyOf(const ModelConfig& config) {
  for (const Family& family : kFamilies)
    if (family.id == config.architecture) return &family;
  return nullptr;
}

std::string supportedFamilies() {
  std::string out;
  for (const Family& family : kFamilies) out += (out.empty() ? "" : ", ") + std::string(family.title);
  return out;
}

}  // namespace ts
