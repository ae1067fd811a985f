// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "tests/engine/formats/files.h"

namespace ts {
namespace {

using files::Folder;

std::filesystem::path family(const std::string& name) { return std::filesystem::path(TS_SOURCE_DIR "/tests/data/families") / name; }

Checkpoint opened(const std::filesystem::path& path) {
  auto checkpoint = openCheckpoint(path);
  if (!checkpoint) throw std::runtime_error(checkpoint.error().where + ": " + checkpoint.error().message);
  return *std::move(checkpoint);
}

void expectShape(const Checkpoint& checkpoint, std::string_view name, std::int64_t rows, std::int64_t cols) {
  const Tensor* tensor = checkpoint.find(name);
  ASSERT_NE(tensor, nullptr) << checkpoint.path << " " << name;
  EXPECT_EQ(tensor->rows, rows) << checkpoint.path << " " << name;
  EXPECT_EQ(tensor->cols, cols) << checkpoint.path << " " << name;
}

TEST(Checkpoint, EveryFamilyHasItsTensorsUnderCanonicalNames) {
  for (const std::string name : {"llama", "llama-rope-llama3", "llama-rope-yarn", "mistral", "qwen2", "qwen3", "gemma3", "phi3", "gpt2", "olmo2"}) {
    SCOPED_TRACE(name);
    const Checkpoint c = opened(family(name));
    const std::int64_t queries = c.config.heads * c.config.headDim, keys = c.config.kvHeads * c.config.headDim;
    EXPECT_EQ(c.config.name, name);
    EXPECT_EQ(c.config.layerCount(), 3);
    EXPECT_EQ(c.container, "Hugging Face (safetensors)");
    EXPECT_EQ(c.weightFormat, "F32");
    EXPECT_EQ(c.stopIds, std::vector<int>{2});
    EXPECT_EQ(c.tokenizer, nullptr);
    EXPECT_EQ(c.fingerprint.size(), 32u);
    EXPECT_EQ(c.metadata.contains("tensors not used"), false) << c.metadata.at("tensors not used");
    expectShape(c, "embedding.weight", 320, 64);
    expectShape(c, "final_norm.weight", 1, 64);
    EXPECT_EQ(c.find("head.weight") == nullptr, c.config.tiedEmbeddings);
    for (const std::string layer : {"layers.0.", "layers.2."}) {
      expectShape(c, layer + "q.weight", queries, 64);
      expectShape(c, layer + "k.weight", keys, 64);
      expectShape(c, layer + "v.weight", keys, 64);
      expectShape(c, layer + "o.weight", 64, queries);
      expectShape(c, layer + "up.weight", c.config.intermediate, 64);
      expectShape(c, layer + "down.weight", 64, c.config.intermediate);
      EXPECT_EQ(c.find(layer + "gate.weight") != nullptr, c.config.gatedMlp);
    }
  }
}

TEST(Checkpoint, TheFamiliesDifferWhereTheyShould) {
  EXPECT_EQ(opened(family("llama")).config.ropes.front().interleaved, false);
  const Checkpoint mistral = opened(family("mistral"));
  EXPECT_EQ(mistral.config.headDim, 24);
  EXPECT_EQ(mistral.config.layers[1].slidingWindow, 16);
  const Checkpoint qwen2 = opened(family("qwen2"));
  EXPECT_EQ(qwen2.config.layers[2].slidingWindow, 0);
  EXPECT_TRUE(qwen2.config.tiedEmbeddings);
  expectShape(qwen2, "layers.1.q.bias", 1, 64);
  expectShape(qwen2, "layers.1.k.bias", 1, 32);
  const Checkpoint qwen3 = opened(family("qwen3"));
  EXPECT_EQ(qwen3.config.qkNorm, QkNorm::PerHead);
  expectShape(qwen3, "layers.0.q_norm.weight", 1, 32);
  const Checkpoint gemma = opened(family("gemma3"));
  EXPECT_EQ(gemma.config.norm, NormKind::RmsPlusOne);
  EXPECT_EQ(gemma.config.placement, NormPlacement::PreAndPost);
  EXPECT_EQ(gemma.config.embeddingScale, 8.0f);
  EXPECT_FLOAT_EQ(gemma.config.attentionScale, 1.0f / std::sqrt(32.0f));
  EXPECT_EQ(gemma.config.gate, Gate::GeluTanh);
  EXPECT_EQ(gemma.config.layers[0].slidingWindow, 16);
  EXPECT_EQ(gemma.config.layers[2].slidingWindow, 0);
  EXPECT_EQ(gemma.config.ropes[static_cast<std::size_t>(gemma.config.layers[0].rope)].theta, 10000.0);
  EXPECT_EQ(gemma.config.ropes[static_cast<std::size_t>(gemma.config.layers[2].rope)].theta, 1000000.0);
  expectShape(gemma, "layers.0.mlp_post_norm.weight", 1, 64);
  EXPECT_EQ(opened(family("phi3")).config.layers[0].slidingWindow, 24);
  const Checkpoint olmo = opened(family("olmo2"));
  EXPECT_EQ(olmo.config.placement, NormPlacement::Post);
  expectShape(olmo, "layers.0.q_norm.weight", 1, 64);
  expectShape(olmo, "layers.0.k_norm.weight", 1, 32);
  EXPECT_EQ(olmo.find("layers.0.attention_norm.weight"), nullptr);
  expectShape(olmo, "layers.0.attention_post_norm.weight", 1, 64);
  const Checkpoint gpt2 = opened(family("gpt2"));
  EXPECT_EQ(gpt2.config.norm, NormKind::Layer);
  EXPECT_TRUE(gpt2.config.tiedEmbeddings);
  EXPECT_EQ(gpt2.config.layers[0].rope, -1);
  expectShape(gpt2, "positions.weight", 256, 64);
  expectShape(gpt2, "layers.0.k.bias", 1, 64);
  expectShape(gpt2, "layers.0.down.bias", 1, 64);
}

TEST(Checkpoint, Conv1dIsTransposedAndFusedRowsAreCut) {
  const Checkpoint c = opened(family("gpt2"));
  // c_attn is [inputs 64, outputs 192]: value head weights start at output 128.
  const auto bias = c.find("layers.0.v.bias")->toFloats();
  const auto weight = c.find("layers.0.v.weight")->toFloats();
  std::ifstream in(family("gpt2") / "model.safetensors", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::uint64_t header;
  std::memcpy(&header, bytes.data(), 8);
  const auto floatsOf = [&](const std::string& name) {
    const std::size_t entry = bytes.find('"' + name + '"');
    const std::size_t at = bytes.find("data_offsets\":[", entry) + 15;
    return bytes.data() + 8 + header + std::stoull(bytes.substr(at));
  };
  float expected;
  std::memcpy(&expected, floatsOf("transformer.h.0.attn.c_attn.bias") + 4 * 130, 4);
  EXPECT_EQ(bias[2], expected);
  std::memcpy(&expected, floatsOf("transformer.h.0.attn.c_attn.weight") + 4 * (5 * 192 + 130), 4);
  EXPECT_EQ(weight[2 * 64 + 5], expected);
}

TEST(Checkpoint, TheFingerprintIsOfTheModelNotOfTheFile) {
  const Folder folder;
  std::filesystem::copy(family("qwen3"), folder / "copy");
  const std::string original = opened(family("qwen3")).fingerprint;
  EXPECT_EQ(opened(folder / "copy").fingerprint, original);
  EXPECT_NE(opened(family("llama")).fingerprint, original);
  std::fstream weights(folder / "copy/model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(-1, std::ios::end);
  weights.put('\x01');
  weights.close();
  EXPECT_NE(opened(folder / "copy").fingerprint, original);
}

TEST(Checkpoint, AFileInsideTheFolderOpensTheFolder) {
  EXPECT_EQ(opened(family("qwen3") / "model.safetensors").config.architecture, "qwen3");
  EXPECT_EQ(opened(family("llama") / "config.json").tensors.size(), opened(family("llama")).tensors.size());
}

TEST(Checkpoint, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  const auto result = openCheckpoint(family("llama"), stop.get_token());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::Cancelled);
}

/// The folder of a family with its config.json changed.
struct Changed {
  Folder folder;
  explicit Changed(const std::string& name, const std::string& from, const std::string& to) {
    for (const auto& entry : std::filesystem::directory_iterator(family(name)))
      if (entry.path().filename() != "config.json") std::filesystem::create_symlink(entry.path(), folder / entry.path().filename().string());
    std::ifstream in(family(name) / "config.json");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no " + from);
    std::ofstream(folder / "config.json") << text.replace(at, from.size(), to);
  }
  Error error() const {
    const auto result = openCheckpoint(folder.path());
    return result ? Error{ErrorKind::Internal, "opened", ""} : result.error();
  }
};

TEST(Checkpoint, WhatIsWrongIsNamed) {
  const Error unknown = Changed("llama", "\"llama\"", "\"mixtral\"").error();
  EXPECT_EQ(unknown.kind, ErrorKind::Unsupported);
  EXPECT_NE(unknown.message.find("Llama, Mistral, Qwen2, Qwen3, Gemma 3, Phi-3, OLMo 2, GPT-2"), std::string::npos) << unknown.message;
  EXPECT_NE(unknown.message.find("\"mixtral\""), std::string::npos);
  const Error heads = Changed("llama", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3").error();
  EXPECT_NE(heads.message.find("multiple"), std::string::npos) << heads.message;
  const Error layers = Changed("llama", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 3000000000").error();
  EXPECT_NE(layers.message.find("\"num_hidden_layers\""), std::string::npos) << layers.message;
  const Error text = Changed("llama", "\"hidden_size\": 64", "\"hidden_size\": \"64\"").error();
  EXPECT_EQ(text.message, "expected \"hidden_size\" to be a whole number from 1 to 16777216, found \"64\"");
  const Error missing = Changed("llama", "\"vocab_size\"", "\"vocab_syze\"").error();
  EXPECT_NE(missing.message.find("it is missing"), std::string::npos);
  const Error json = Changed("llama", "\"hidden_size\": 64", "\"hidden_size\": 64 64").error();
  EXPECT_NE(json.where.find("config.json @ byte "), std::string::npos) << json.where;
  const Error quantized = Changed("llama", "\"hidden_act\"", "\"quantization_config\": {\"bits\": 4}, \"hidden_act\"").error();
  EXPECT_EQ(quantized.kind, ErrorKind::Unsupported);
  const Error scaling = Changed("llama-rope-yarn", "\"yarn\"", "\"dynamic\"").error();
  EXPECT_NE(scaling.message.find("linear, llama3, yarn or longrope"), std::string::npos) << scaling.message;
  const Error fused = Changed("phi3", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4").error();
  EXPECT_NE(fused.message.find("expected 192 rows in tensor \"model.layers.0.self_attn.qkv_proj.weight\""), std::string::npos) << fused.message;
  EXPECT_EQ(openCheckpoint("/nonexistent").error().kind, ErrorKind::Io);
  const Folder empty;
  EXPECT_NE(openCheckpoint(empty.path()).error().message.find("config.json"), std::string::npos);
}

TEST(Checkpoint, OldAndNewRopeSettingsMeanTheSame) {
  const Changed old("llama-rope-llama3", "\"rope_parameters\": {", "\"rope_theta\": 10000.0, \"rope_scaling\": {\"type\": \"llama3\", ");
  const Rope a = opened(old.folder.path()).config.ropes.front(), b = opened(family("llama-rope-llama3")).config.ropes.front();
  EXPECT_EQ(a.scaling.kind, RopeScaling::Kind::Llama3);
  EXPECT_EQ(a.scaling.factor, b.scaling.factor);
  EXPECT_EQ(a.theta, b.theta);
  EXPECT_EQ(b.scaling.originalContext, 32);
}

TEST(Checkpoint, EmbeddedModelsOpen) {
  const Checkpoint c = opened(TS_SOURCE_DIR "/resources/models/ts-16m");
  EXPECT_EQ(c.weightFormat, "F16");
  EXPECT_EQ(c.config.vocabulary, 8192);
  ASSERT_NE(c.tokenizer, nullptr);
  EXPECT_EQ(c.stopIds, std::vector<int>{0});
}

TEST(Checkpoint, SmolLm2Opens) {
  const char* home = std::getenv("HOME");
  const std::filesystem::path path = std::string(home ? home : "") + "/.cache/tradespace-models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "packaging/fetch-models fetches it";
  const Checkpoint c = opened(path);
  EXPECT_EQ(c.container, "GGUF v3");
  EXPECT_EQ(c.weightFormat, "Q4_1");
  EXPECT_EQ(c.config.architecture, "llama");
  EXPECT_EQ(c.config.heads, 9);
  EXPECT_EQ(c.config.kvHeads, 3);
  EXPECT_EQ(c.config.headDim, 64);
  EXPECT_TRUE(c.config.ropes.front().interleaved);
  EXPECT_TRUE(c.config.tiedEmbeddings);
  EXPECT_EQ(c.stopIds, std::vector<int>{2});
  EXPECT_EQ(c.parameterCount(), 134515008u);
  EXPECT_FALSE(c.chatTemplate.empty());
  EXPECT_NE(c.tokenizer, nullptr);
  expectShape(c, "layers.29.down.weight", 576, 1536);
}

}  // namespace
}  // namespace ts
