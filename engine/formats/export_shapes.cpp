// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/export_shapes.h"

#include "engine/formats/byte_reader.h"

namespace ts {
namespace {

/// The tensors of one layer; a low-rank product has the rows of its left factor and the columns of its right one.
class LayerShapes {
 public:
  LayerShapes(const std::map<std::string, const ExportTensor*>& tensors, int layer) : tensors_(tensors), prefix_("layers." + std::to_string(layer) + ".") {}

  std::int64_t rowsOf(const std::string& role) const {
    if (const ExportTensor* whole = find(role + ".weight")) return whole->rows;
    const ExportTensor* left = find(role + ".low_rank_a.weight");
    return left == nullptr ? 0 : left->rows;
  }
  Result<void> expect(const std::string& role, std::int64_t rows, std::int64_t cols) const {
    const ExportTensor *whole = find(role + ".weight"), *left = find(role + ".low_rank_a.weight"), *right = find(role + ".low_rank_b.weight");
    const bool fits = whole != nullptr ? whole->rows == rows && whole->cols == cols
                                       : left != nullptr && right != nullptr && left->rows == rows && left->cols == right->rows && right->cols == cols;
    if (!fits) return wrong(role + ".weight", rows, cols);
    if (const ExportTensor* bias = find(role + ".bias"); bias != nullptr && bias->rows * bias->cols != rows) return wrong(role + ".bias", 1, rows);
    return {};
  }

 private:
  const ExportTensor* find(const std::string& name) const {
    const auto it = tensors_.find(prefix_ + name);
    return it == tensors_.end() ? nullptr : it->second;
  }
  tl::unexpected<Error> wrong(const std::string& name, std::int64_t rows, std::int64_t cols) const {
    return fail(ErrorKind::Unsupported, "expected tensor " + inQuotes(prefix_ + name) + " of " + std::to_string(rows) + " x " + std::to_string(cols) +
                                            ", as the layer's other tensors ask for");
  }
  const std::map<std::string, const ExportTensor*>& tensors_;
  std::string prefix_;
};

}  // namespace

Result<ExportShapes> exportShapes(const Checkpoint& source, const std::map<std::string, const ExportTensor*>& tensors, std::span<const LayerConfig> layers) {
  const ModelConfig& config = source.config;
  ExportShapes out;
  for (int i = 0; i < config.layerCount(); ++i) {
    const auto index = static_cast<std::size_t>(i);
    LayerShapes shapes(tensors, i);
    LayerConfig own = config.layers[index];
    const int heads = static_cast<int>(shapes.rowsOf("q") / config.headDim), kvHeads = static_cast<int>(shapes.rowsOf("k") / config.headDim);
    const auto neurons = static_cast<int>(shapes.rowsOf("up"));
    out.differ = out.differ || heads != config.heads || kvHeads != config.kvHeads || neurons != config.intermediate;
    own.heads = heads;
    own.kvHeads = kvHeads;
    own.intermediate = neurons;
    if (index < layers.size()) own.queryToKv = layers[index].queryToKv;
    const std::string which = "layer " + std::to_string(i);
    if (heads < 1 || kvHeads < 1 || neurons < 1) return fail(ErrorKind::Unsupported, "expected " + which + " to have at least one head and one neuron");
    if (own.queryToKv.empty() ? heads % kvHeads != 0 : own.queryToKv.size() != static_cast<std::size_t>(heads))
      return fail(ErrorKind::Unsupported, "expected the key/value head of each of the " + std::to_string(heads) + " query heads of " + which);
    for (int h = 0; h < heads && !own.queryToKv.empty(); ++h)
      out.differ = out.differ || heads % kvHeads != 0 || own.queryToKv[static_cast<std::size_t>(h)] != h / (heads / kvHeads);
    const std::int64_t queries = std::int64_t{heads} * config.headDim, keys = std::int64_t{kvHeads} * config.headDim;
    TS_CHECK(shapes.expect("q", queries, config.hidden));
    TS_CHECK(shapes.expect("k", keys, config.hidden));
    TS_CHECK(shapes.expect("v", keys, config.hidden));
    TS_CHECK(shapes.expect("o", config.hidden, queries));
    if (config.gatedMlp) TS_CHECK(shapes.expect("gate", neurons, config.hidden));
    TS_CHECK(shapes.expect("up", neurons, config.hidden));
    TS_CHECK(shapes.expect("down", config.hidden, neurons));
    out.layers.push_back(std::move(own));
  }
  return out;
}

}  // namespace ts
