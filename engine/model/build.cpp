// SPDX-License-Identifier: GPL-3.0-or-later
#include <set>

#include "engine/model/model.h"
#include "engine/weights/ahead.h"
#include "engine/weights/formats.h"

namespace ts {
namespace {

/// Takes tensors out of a checkpoint by canonical name, checking each against the shape the configuration asks for.
class Builder {
 public:
  Builder(const Checkpoint& checkpoint, ThreadPool& pool) : checkpoint_(checkpoint), pool_(pool) {}

  Result<MatrixPtr> matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
    TS_TRY(const Tensor* tensor, wanted(name, rows, cols));
    return packTensor(*tensor, pool_);
  }
  Result<std::vector<float>> vector(const std::string& name, std::int64_t size) {
    TS_TRY(const Tensor* tensor, wanted(name, 1, size));
    return tensor->toFloats();
  }
  /// Empty when the checkpoint has none.
  Result<std::vector<float>> optionalVector(const std::string& name, std::int64_t size) {
    if (!checkpoint_.find(name)) return std::vector<float>();
    return vector(name, size);
  }
  Result<Linear> linear(const std::string& name, std::int64_t rows, std::int64_t cols) {
    Linear linear;
    if (const Tensor* a = checkpoint_.find(name + ".low_rank_a.weight")) {
      TS_TRY(MatrixPtr left, matrix(name + ".low_rank_a.weight", rows, a->cols));
      TS_TRY(MatrixPtr right, matrix(name + ".low_rank_b.weight", a->cols, cols));
      linear.weight = makeLowRank(std::move(left), std::move(right));
    } else {
      TS_TRY(linear.weight, matrix(name + ".weight", rows, cols));
    }
    TS_TRY(linear.bias, optionalVector(name + ".bias", rows));
    return linear;
  }
  Result<Norm> norm(const std::string& name, std::int64_t size, bool required) {
    Norm norm;
    if (!required && !checkpoint_.find(name + ".weight")) return norm;
    TS_TRY(norm.weight, vector(name + ".weight", size));
    TS_TRY(norm.bias, optionalVector(name + ".bias", size));
    if (checkpoint_.config.norm == NormKind::RmsPlusOne)
      for (float& w : norm.weight) w += 1.0f;
    return norm;
  }

 private:
  Result<const Tensor*> wanted(const std::string& name, std::int64_t rows, std::int64_t cols) {
    const Tensor* tensor = checkpoint_.find(name);
    const auto shape = [](std::int64_t r, std::int64_t c) { return "[" + std::to_string(r) + ", " + std::to_string(c) + "]"; };
    if (!tensor) return fail("the tensor '" + name + "' " + shape(rows, cols) + " is missing", checkpoint_.path.string());
    if (tensor->rows != rows || tensor->cols != cols)
      return fail("the tensor '" + name + "' is " + shape(tensor->rows, tensor->cols) + ", the configuration asks for " + shape(rows, cols),
                  checkpoint_.path.string());
    return tensor;
  }
  const Checkpoint& checkpoint_;
  ThreadPool& pool_;
};

Result<Block> buildBlock(Builder& from, const ModelConfig& config, int index) {
  const std::string prefix = "layers." + std::to_string(index) + ".";
  const LayerConfig& own = config.layers[static_cast<std::size_t>(index)];
  const int heads = config.headsOf(own), kvHeads = config.kvHeadsOf(own), intermediate = config.intermediateOf(own);
  const std::int64_t hidden = config.hidden, queries = std::int64_t{heads} * config.headDim, keys = std::int64_t{kvHeads} * config.headDim;
  const bool pre = config.placement != NormPlacement::Post, post = config.placement != NormPlacement::Pre;
  Block block;
  if (pre) {
    TS_TRY(block.attentionNorm, from.norm(prefix + "attention_norm", hidden, true));
    TS_TRY(block.mlpNorm, from.norm(prefix + "mlp_norm", hidden, true));
  }
  if (post) {
    TS_TRY(block.attentionPostNorm, from.norm(prefix + "attention_post_norm", hidden, true));
    TS_TRY(block.mlpPostNorm, from.norm(prefix + "mlp_post_norm", hidden, true));
  }
  if (config.qkNorm != QkNorm::None) {
    const bool whole = config.qkNorm == QkNorm::Whole;
    TS_TRY(block.qNorm, from.norm(prefix + "q_norm", whole ? queries : config.headDim, true));
    TS_TRY(block.kNorm, from.norm(prefix + "k_norm", whole ? keys : config.headDim, true));
  }
  TS_TRY(block.q, from.linear(prefix + "q", queries, hidden));
  TS_TRY(block.k, from.linear(prefix + "k", keys, hidden));
  TS_TRY(block.v, from.linear(prefix + "v", keys, hidden));
  TS_TRY(block.o, from.linear(prefix + "o", hidden, queries));
  if (config.gatedMlp) {
    TS_TRY(block.gate, from.linear(prefix + "gate", intermediate, hidden));
  }
  TS_TRY(block.up, from.linear(prefix + "up", intermediate, hidden));
  TS_TRY(block.down, from.linear(prefix + "down", hidden, intermediate));
  block.kvHeads = kvHeads;
  block.intermediate = intermediate;
  block.queryToKv = own.queryToKv;
  for (int h = static_cast<int>(block.queryToKv.size()); h < heads; ++h) block.queryToKv.push_back(h / (heads / kvHeads));
  return block;
}

Result<void> checkConfig(const ModelConfig& c, const std::filesystem::path& path) {
  const auto positive = [&](const char* what, std::int64_t value) -> Result<void> {
    if (value > 0) return {};
    return fail(std::string(what) + " must be positive, the configuration says " + std::to_string(value), path.string());
  };
  TS_CHECK(positive("hidden size", c.hidden));
  TS_CHECK(positive("number of layers", c.layerCount()));
  TS_CHECK(positive("number of attention heads", c.heads));
  TS_CHECK(positive("number of key/value heads", c.kvHeads));
  TS_CHECK(positive("head dimension", c.headDim));
  TS_CHECK(positive("intermediate size", c.intermediate));
  TS_CHECK(positive("vocabulary size", c.vocabulary));
  TS_CHECK(positive("context length", c.contextLength));
  for (const LayerConfig& layer : c.layers)
    if (layer.queryToKv.empty() ? c.headsOf(layer) % c.kvHeadsOf(layer) != 0 : static_cast<int>(layer.queryToKv.size()) != c.headsOf(layer))
      return fail("attention heads (" + std::to_string(c.headsOf(layer)) + ") must be a multiple of key/value heads (" + std::to_string(c.kvHeadsOf(layer)) + ")", path.string());
  for (const LayerConfig& layer : c.layers)
    if (layer.rope >= static_cast<int>(c.ropes.size())) return fail("a layer names a rotary embedding that is not there", path.string());
  for (const Rope& rope : c.ropes)
    if (rope.dims <= 0 || rope.dims % 2 != 0 || rope.dims > c.headDim)
      return fail("rotary dimensions must be even and at most the head's " + std::to_string(c.headDim) + ", the configuration says " + std::to_string(rope.dims), path.string());
  return {};
}

}  // namespace

Result<std::shared_ptr<const Model>> buildModel(const Checkpoint& checkpoint, ThreadPool& pool, std::stop_token stop) {
  const ModelConfig& config = checkpoint.config;
  TS_CHECK(checkConfig(config, checkpoint.path));
  settleAhead();  // before there are weights: measuring takes memory of its own
  Builder from(checkpoint, pool);
  auto model = std::make_shared<Model>();
  model->config = config;
  model->tokenizer = checkpoint.tokenizer;
  model->stopIds = checkpoint.stopIds;
  model->fingerprint = checkpoint.fingerprint;
  model->chatTemplate = checkpoint.chatTemplate;
  TS_TRY(model->embedding, from.matrix("embedding.weight", config.vocabulary, config.hidden));
  if (config.learnedPositions) {
    const Tensor* positions = checkpoint.find("positions.weight");
    if (!positions || positions->cols != config.hidden || positions->rows < config.contextLength)
      return fail("the tensor 'positions.weight' must be [" + std::to_string(config.contextLength) + ", " + std::to_string(config.hidden) + "]", checkpoint.path.string());
    model->positions = positions->toFloats();
  }
  for (int i = 0; i < config.layerCount(); ++i) {
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "loading was cancelled", checkpoint.path.string());
    TS_TRY(Block block, buildBlock(from, config, i));
    model->blocks.push_back(std::move(block));
  }
  TS_TRY(model->finalNorm, from.norm("final_norm", config.hidden, true));
  if (config.tiedEmbeddings || !checkpoint.find("head.weight")) {
    model->head.weight = model->embedding;
  } else {
    TS_TRY(model->head.weight, from.matrix("head.weight", config.vocabulary, config.hidden));
  }
  TS_TRY(model->head.bias, from.optionalVector("head.bias", config.vocabulary));
  return model;
}

}  // namespace ts
