// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/summary.h"

#include <algorithm>

#include "engine/formats/tokenizer.h"
#include "engine/kv/strategy.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

int layerOf(std::string_view name) {
  constexpr std::string_view prefix = "layers.";
  return name.starts_with(prefix) ? std::atoi(std::string(name.substr(prefix.size())).c_str()) : -1;
}

}  // namespace

ModelSummary summarize(const Checkpoint& checkpoint, const std::string& source) {
  ModelSummary s;
  s.source = source;
  s.config = checkpoint.config;
  s.container = checkpoint.container;
  s.weightFormat = checkpoint.weightFormat;
  s.fingerprint = checkpoint.fingerprint;
  s.chatTemplate = checkpoint.chatTemplate;
  s.metadata = checkpoint.metadata;
  s.parameters = checkpoint.parameterCount();
  s.fileBytes = checkpoint.fileBytes;
  if (checkpoint.tokenizer) {
    s.tokenizerKind = checkpoint.tokenizer->kind();
    s.tokenizerSize = checkpoint.tokenizer->vocabularySize();
  }
  for (const auto& [name, tensor] : checkpoint.tensors) {
    s.tensors.push_back({name, std::string(info(tensor.type).name), tensor.rows, tensor.cols, tensor.bytes(), layerOf(name)});
    s.weightBytes += tensor.bytes();
  }
  std::stable_sort(s.tensors.begin(), s.tensors.end(), [](const auto& a, const auto& b) { return a.layer < b.layer; });
  return s;
}

MemoryForecast forecastMemory(const ModelSummary& model, std::int64_t context, const std::string& codec) {
  const ModelConfig& c = model.config;
  MemoryForecast forecast;
  forecast.weights = model.weightBytes;
  double rowBytes = 2.0 * c.headDim * sizeof(float);
  std::int64_t residual = 0;
  if (!codec.empty()) {
    if (auto made = registry().make<KvCodec>(Family::KeyValue, StrategySpec{codec, {}})) {
      residual = (*made)->residual();
      rowBytes = static_cast<double>((*made)->keyGroupBytes(c.headDim) + (*made)->valueGroupBytes(c.headDim)) / (*made)->group();
    }
  }
  for (const LayerConfig& layer : c.layers) {
    const std::int64_t rows = layer.slidingWindow > 0 ? std::min(context, layer.slidingWindow) : context;
    const std::int64_t full = std::min(rows, residual);
    forecast.kv += static_cast<std::uint64_t>(c.kvHeads * (static_cast<double>(rows - full) * rowBytes + static_cast<double>(full) * 2.0 * c.headDim * sizeof(float)));
  }
  const std::int64_t chunk = std::min<std::int64_t>(context, 512);
  const std::int64_t perRow = 4ll * c.hidden + (c.heads + 2ll * c.kvHeads) * c.headDim + (c.gatedMlp ? 3ll : 2ll) * c.intermediate;
  forecast.scratch = static_cast<std::uint64_t>((chunk * perRow + std::min<std::int64_t>(chunk, 64) * c.vocabulary) * static_cast<std::int64_t>(sizeof(float)));
  return forecast;
}

std::vector<std::string> kvCodecs() {
  std::vector<std::string> ids;
  for (const Strategy* strategy : registry().ofFamily(Family::KeyValue))
    if (std::ranges::count(strategy->descriptor.claims, "kv.codec")) ids.push_back(strategy->descriptor.id);
  return ids;
}

std::string shortForm(const ModelConfig& c) {
  return std::to_string(c.layerCount()) + " layers · " + std::to_string(c.heads) + " heads (" + std::to_string(c.kvHeads) + " key/value) of " +
         std::to_string(c.headDim) + " · width " + std::to_string(c.hidden) + " · MLP " + std::to_string(c.intermediate);
}

}  // namespace ts
