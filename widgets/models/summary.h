// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/formats/checkpoint.h"

namespace ts {

/// What the Models page shows of an opened checkpoint, as a value of its own: no mapped file is kept alive by it.
struct ModelSummary {
  struct TensorRow {
    std::string name, type;
    std::int64_t rows = 0, cols = 0;
    std::uint64_t bytes = 0;
    int layer = -1;  ///< -1: not of a layer
    std::uint64_t parameters() const { return static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(cols); }
  };
  std::string source;  ///< as it was opened: a path or embedded:NAME
  ModelConfig config;
  std::string container, weightFormat, fingerprint, tokenizerKind, chatTemplate;
  int tokenizerSize = 0;
  std::uint64_t parameters = 0, fileBytes = 0, weightBytes = 0;
  std::vector<TensorRow> tensors;
  std::map<std::string, std::string> metadata;
};
ModelSummary summarize(const Checkpoint& checkpoint, const std::string& source);

/// Bytes a session of the model would take. Weights and rows follow from the formats; scratch is an estimate of the
/// buffers of one prefill chunk.
struct MemoryForecast {
  std::uint64_t weights = 0, kv = 0, scratch = 0;
  std::uint64_t total() const { return weights + kv + scratch; }
};
/// `codec`: id of a registered key/value codec, empty for full precision.
MemoryForecast forecastMemory(const ModelSummary& model, std::int64_t context, const std::string& codec);
std::vector<std::string> kvCodecs();  ///< ids of the registered key/value codecs

std::string shortForm(const ModelConfig& config);  ///< "8 layers · 6 heads (2 key/value) of 64 · width 384"

}  // namespace ts
