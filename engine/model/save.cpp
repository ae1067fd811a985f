// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/save.h"

#include <algorithm>
#include <system_error>

#include "engine/formats/export.h"
#include "engine/weights/formats.h"
#include "engine/weights/stored_blocks.h"

namespace ts {
namespace {

/// Collects a model's tensors under their canonical names.
class Collector {
 public:
  explicit Collector(const Checkpoint& source) : source_(source) {}

  Result<void> matrix(const std::string& name, const MatrixPtr& matrix) {
    if (!matrix) return {};
    if (const auto factors = lowRankFactors(*matrix)) {
      const std::string base = name.substr(0, name.rfind('.'));
      TS_CHECK(this->matrix(base + ".low_rank_a.weight", factors->first));
      return this->matrix(base + ".low_rank_b.weight", factors->second);
    }
    std::optional<Tensor> blocks = unchanged(name, *matrix) ? *source_.find(name) : storedBlocks(*matrix);
    if (!blocks)
      return fail(ErrorKind::Unsupported, "GGUF has no type that holds '" + name + "' as it is (" + matrix->format() + ")", source_.path.string());
    ++types[std::string(info(blocks->type).name)];
    tensors.push_back({name, matrix->rows(), matrix->cols(), blocks->type, *blocks, {}});
    return {};
  }
  void vector(const std::string& name, const std::vector<float>& values, std::int64_t rows = 1) {
    if (values.empty()) return;
    const std::int64_t cols = static_cast<std::int64_t>(values.size()) / rows;
    tensors.push_back({name, rows, cols, TensorType::F32, {}, [&values, cols](std::int64_t first, std::int64_t count, float* out) {
                         std::copy_n(values.begin() + first * cols, count * cols, out);
                       }});
  }
  Result<void> linear(const std::string& name, const Linear& linear) {
    TS_CHECK(matrix(name + ".weight", linear.weight));
    vector(name + ".bias", linear.bias);
    return {};
  }
  void norm(const std::string& name, const Norm& norm) {
    vector(name + ".weight", norm.weight);
    vector(name + ".bias", norm.bias);
  }

  std::vector<ExportTensor> tensors;
  std::map<std::string, std::int64_t> types;

 private:
  /// Whether the matrix still holds the checkpoint's own values, row by row.
  bool unchanged(const std::string& name, const Matrix& matrix) const {
    const Tensor* tensor = source_.find(name);
    if (!tensor || tensor->rows != matrix.rows() || tensor->cols != matrix.cols()) return false;
    std::vector<float> stored(static_cast<std::size_t>(matrix.cols())), held(stored.size());
    for (std::int64_t n = 0; n < matrix.rows(); ++n) {
      dequantize(tensor->type, tensor->row(n), tensor->cols, stored.data());
      matrix.unpackRows(n, 1, held.data());
      if (stored != held) return false;
    }
    return true;
  }

  const Checkpoint& source_;
};

Result<void> collectBlock(Collector& to, const Block& block, const std::string& prefix) {
  to.norm(prefix + "attention_norm", block.attentionNorm);
  to.norm(prefix + "attention_post_norm", block.attentionPostNorm);
  to.norm(prefix + "mlp_norm", block.mlpNorm);
  to.norm(prefix + "mlp_post_norm", block.mlpPostNorm);
  to.norm(prefix + "q_norm", block.qNorm);
  to.norm(prefix + "k_norm", block.kNorm);
  for (const Role role : kRoles) TS_CHECK(to.linear(prefix + std::string(name(role)), block.linear(role)));
  return {};
}

}  // namespace

Result<Saved> saveModel(const std::filesystem::path& path, const Model& model, const Checkpoint& source, std::stop_token stop) {
  Collector collector(source);
  TS_CHECK(collector.matrix("embedding.weight", model.embedding));
  if (!model.positions.empty()) collector.vector("positions.weight", model.positions, model.config.contextLength);
  for (std::size_t i = 0; i < model.blocks.size(); ++i) {
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopped before the model was written", path.string());
    TS_CHECK(collectBlock(collector, model.blocks[i], "layers." + std::to_string(i) + "."));
  }
  collector.norm("final_norm", model.finalNorm);
  if (model.head.weight != model.embedding) TS_CHECK(collector.matrix("head.weight", model.head.weight));
  collector.vector("head.bias", model.head.bias);
  std::vector<LayerConfig> layers = model.config.layers;
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i].queryToKv = model.blocks[i].queryToKv;  // pruning leaves uneven groups
  TS_CHECK(exportGguf(path, source, collector.tensors, stop, layers));
  std::error_code error;
  return Saved{std::filesystem::file_size(path, error), std::move(collector.types)};
}

}  // namespace ts
