// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/export.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/formats/gguf.h"
#include "engine/formats/tokenizer.h"
#include "tests/engine/formats/files.h"

namespace ts {
namespace {

using files::Folder;

Checkpoint opened(const std::filesystem::path& path) {
  auto checkpoint = openCheckpoint(path);
  if (!checkpoint) throw std::runtime_error(checkpoint.error().where + ": " + checkpoint.error().message);
  return *std::move(checkpoint);
}
Checkpoint family(const std::string& name) { return opened(std::filesystem::path(TS_SOURCE_DIR "/tests/data/families") / name); }

Checkpoint written(const Checkpoint& source, std::optional<TensorType> type, const std::filesystem::path& path) {
  const auto result = exportGguf(path, source, exportTensors(source, type));
  if (!result) throw std::runtime_error(result.error().where + ": " + result.error().message);
  return opened(path);
}

TEST(Export, EveryFamilyComesBackFromGguf) {
  const Folder folder;
  for (const std::string name : {"llama", "mistral", "qwen2", "qwen3", "gemma3", "phi3", "gpt2", "olmo2"}) {
    SCOPED_TRACE(name);
    const Checkpoint before = family(name);
    const Checkpoint after = written(before, std::nullopt, folder / (name + ".gguf"));
    const ModelConfig &a = before.config, &b = after.config;
    EXPECT_EQ(after.container, "GGUF v3");
    EXPECT_EQ(b.name, a.name);
    EXPECT_EQ(after.stopIds, before.stopIds);
    for (const auto& [x, y] : {std::pair{a.hidden, b.hidden}, {a.heads, b.heads}, {a.kvHeads, b.kvHeads}, {a.headDim, b.headDim},
                               {a.intermediate, b.intermediate}, {a.vocabulary, b.vocabulary}, {a.layerCount(), b.layerCount()}})
      EXPECT_EQ(x, y);
    EXPECT_EQ(a.contextLength, b.contextLength);
    EXPECT_EQ(a.normEpsilon, b.normEpsilon);
    EXPECT_EQ(a.placement, b.placement);
    EXPECT_EQ(a.qkNorm, b.qkNorm);
    EXPECT_EQ(a.gate, b.gate);
    EXPECT_EQ(a.tiedEmbeddings, b.tiedEmbeddings);
    EXPECT_EQ(a.embeddingScale, b.embeddingScale);
    EXPECT_EQ(a.attentionScale, b.attentionScale);
    ASSERT_EQ(a.ropes.size(), b.ropes.size());
    for (std::size_t i = 0; i < a.ropes.size(); ++i) EXPECT_EQ(a.ropes[i].theta, b.ropes[i].theta);
    for (std::size_t i = 0; i < a.layers.size(); ++i) {
      EXPECT_EQ(a.layers[i].slidingWindow, b.layers[i].slidingWindow) << i;
      EXPECT_EQ(a.layers[i].rope, b.layers[i].rope) << i;
    }
    ASSERT_EQ(before.tensors.size(), after.tensors.size());
    const bool permuted = !b.ropes.empty() && b.ropes.front().interleaved;
    EXPECT_EQ(permuted, name == "llama" || name == "mistral");
    for (const auto& [tensorName, tensor] : before.tensors) {
      const Tensor* back = after.find(tensorName);
      ASSERT_NE(back, nullptr) << tensorName;
      ASSERT_EQ(back->rows, tensor.rows) << tensorName;
      std::vector<float> expected = tensor.toFloats(), actual = back->toFloats();
      if (a.norm == NormKind::RmsPlusOne && tensorName.ends_with("norm.weight"))
        for (float& v : expected) v += 1.0f;
      const bool queries = tensorName.ends_with(".q.weight"), keys = tensorName.ends_with(".k.weight");
      if (permuted && (queries || keys)) {
        // Row 2i + j of a head in the file is row i + j * D/2 of the model.
        std::vector<float> ordered(expected.size());
        const std::int64_t half = a.headDim / 2;
        for (std::int64_t r = 0; r < tensor.rows; ++r) {
          const std::int64_t head = r / a.headDim, within = r % a.headDim;
          const std::int64_t from = head * a.headDim + within / 2 + within % 2 * half;
          std::copy_n(expected.data() + from * tensor.cols, tensor.cols, ordered.data() + r * tensor.cols);
        }
        expected = ordered;
      }
      ASSERT_EQ(actual, expected) << tensorName;
    }
  }
}

TEST(Export, RopeScalingTurnsTheSameAngles) {
  const Folder folder;
  for (const std::string name : {"llama-rope-llama3", "llama-rope-yarn"}) {
    const Checkpoint before = family(name);
    const Checkpoint after = written(before, std::nullopt, folder / (name + ".gguf"));
    EXPECT_NE(after.config.ropes.front().scaling.kind, RopeScaling::Kind::None) << name;
    EXPECT_EQ(after.metadata.contains("tensors not used"), false);
  }
}

TEST(Export, MatricesTakeTheAskedTypeWhereBlocksFit) {
  const Folder folder;
  const Checkpoint source = family("llama");  // hidden 64, intermediate 160: blocks of 32 fit
  const Checkpoint q4 = written(source, TensorType::Q4_0, folder / "q4.gguf");
  EXPECT_EQ(q4.weightFormat, "Q4_0");
  EXPECT_EQ(q4.find("layers.0.down.weight")->type, TensorType::Q4_0);
  EXPECT_EQ(q4.find("layers.0.attention_norm.weight")->type, TensorType::F32);
  EXPECT_EQ(q4.metadata.at("general.file_type"), "2");
  EXPECT_LT(q4.fileBytes * 5, source.fileBytes);
  EXPECT_EQ(typeThatFits(TensorType::Q8_0, 100), TensorType::F16);
}

TEST(Export, AGgufSourceKeepsItsMetadataAndNames) {
  const Folder folder;
  const Checkpoint first = written(family("llama-rope-llama3"), TensorType::F16, folder / "first.gguf");
  const Checkpoint second = written(first, TensorType::Q8_0, folder / "second.gguf");
  EXPECT_EQ(second.weightFormat, "Q8_0");
  EXPECT_EQ(second.config.ropes.front().scaling.shortFactors, first.config.ropes.front().scaling.shortFactors);
  EXPECT_TRUE(second.config.ropes.front().interleaved);
  const auto a = readGguf(folder / "first.gguf"), b = readGguf(folder / "second.gguf");
  EXPECT_EQ(a->metadata.size(), b->metadata.size());
  EXPECT_EQ(a->tensors.size(), b->tensors.size());
  EXPECT_EQ(a->valueTypes, b->valueTypes);
  // Unchanged blocks stay the same bits.
  const Checkpoint third = written(second, std::nullopt, folder / "third.gguf");
  EXPECT_EQ(third.fingerprint, second.fingerprint);
}

TEST(Export, TheTokenizerTravelsWithTheModel) {
  const Folder folder;
  const Checkpoint source = opened(TS_SOURCE_DIR "/resources/models/ts-2m-draft");
  const Checkpoint copy = written(source, TensorType::Q8_0, folder / "draft.gguf");
  ASSERT_NE(copy.tokenizer, nullptr);
  EXPECT_EQ(copy.stopIds, source.stopIds);
  const std::string text = "Once upon a time, 1234 mice's cheese <|endoftext|>\n\n  \u00e9t\u00e9";
  EXPECT_EQ(copy.tokenizer->encode(text), source.tokenizer->encode(text));
  // GGUF's own form says the same to programs that do not know tokenizer.huggingface.json.
  auto file = readGguf(folder / "draft.gguf");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->get<std::string>("tokenizer.ggml.model"), "gpt2");
  file->metadata.erase("tokenizer.huggingface.json");
  ASSERT_TRUE(writeGguf(folder / "plain.gguf", *file).has_value());
  const Checkpoint plain = opened(folder / "plain.gguf");
  EXPECT_EQ(plain.tokenizer->encode(text), source.tokenizer->encode(text));
}

TEST(Export, ShapesThatDoNotFitTogetherAreRefused) {
  const Folder folder;
  const Checkpoint source = family("phi3");
  auto tensors = exportTensors(source, std::nullopt);
  for (ExportTensor& tensor : tensors)
    if (tensor.name == "layers.1.down.weight") tensor.cols = 128;
  const auto odd = exportGguf(folder / "a.gguf", source, tensors);
  ASSERT_FALSE(odd.has_value());
  EXPECT_EQ(odd.error().kind, ErrorKind::Unsupported);
  EXPECT_NE(odd.error().message.find("expected tensor \"layers.1.down.weight\" of 64 x 160"), std::string::npos) << odd.error().message;
  EXPECT_TRUE(folder.names().empty());
}

TEST(Export, FusedProjectionsInSeveralTypesAreStoredApart) {
  const Folder folder;
  const Checkpoint source = family("phi3");
  auto tensors = exportTensors(source, std::nullopt);
  for (ExportTensor& tensor : tensors)
    if (tensor.name == "layers.1.k.weight") {
      tensor.type = TensorType::F16;
      tensor.readRows = [blocks = tensor.blocks](std::int64_t first, std::int64_t count, float* out) { dequantize(blocks.type, blocks.row(first), count * blocks.cols, out); };
      tensor.blocks = {};
    }
  ASSERT_TRUE(exportGguf(folder / "a.gguf", source, tensors).has_value());
  const Checkpoint back = opened(folder / "a.gguf");
  EXPECT_NE(back.container, "GGUF v3");
  EXPECT_EQ(back.tensors.size(), source.tensors.size());
  EXPECT_EQ(back.find("layers.1.k.weight")->type, TensorType::F16);
  EXPECT_EQ(back.find("layers.1.q.weight")->toFloats(), source.find("layers.1.q.weight")->toFloats());
  EXPECT_EQ(readGguf(folder / "a.gguf")->get<std::string>("general.architecture"), "tradespace-phi3");
}

TEST(Export, StopsWhenAsked) {
  const Folder folder;
  const Checkpoint source = family("phi3");
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = exportGguf(folder / "a.gguf", source, exportTensors(source, std::nullopt), stop.get_token());
  EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace ts
