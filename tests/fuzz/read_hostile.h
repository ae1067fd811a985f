// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/formats/gguf_model.h"
#include "engine/formats/huggingface.h"
#include "engine/formats/tokenizer_load.h"

/// What both the fuzzers and the always-run mutation tests do with bytes nobody vouches for: read them as a file, and use
/// everything the reader returns. True: they were accepted.
namespace ts::hostile {

inline volatile double sink = 0.0;  ///< keeps the reads

/// Reads the ends of the tensor's memory: a sanitizer sees what lies outside of the file.
inline void touch(const Tensor& tensor) {
  if (tensor.bytes() == 0) return;
  sink = static_cast<double>(tensor.data[0]) + static_cast<double>(tensor.data[tensor.bytes() - 1]);
  if (tensor.rows * tensor.cols > 4096) return;
  for (const float v : tensor.toFloats()) sink = v;
}

inline void use(const ModelConfig& config) {
  for (const Rope& rope : config.ropes)
    if (rope.dims <= 4096)
      for (const std::int64_t length : {std::int64_t{1}, config.contextLength}) sink = ropeTable(rope, length).attentionFactor;
}

inline std::span<const std::byte> spanOf(std::string_view bytes) { return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}; }

inline bool gguf(std::string_view bytes) {
  const auto file = readGguf(spanOf(bytes), nullptr, "fuzz.gguf");
  if (!file) return false;
  for (const GgufTensor& entry : file->tensors) touch(entry.tensor);
  sink = static_cast<double>(ggufStopIds(*file).size());
  (void)tokenizerOfGguf(*file);
  const auto config = ggufConfig(*file);
  if (!config) return true;
  use(*config);
  std::vector<std::string> unused;
  if (const auto tensors = ggufTensors(*file, *config, unused))
    for (const auto& [name, tensor] : *tensors) touch(tensor);
  return true;
}

inline bool safeTensors(std::string_view bytes) {
  const auto file = readSafeTensors(spanOf(bytes), nullptr, "fuzz.safetensors");
  if (!file) return false;
  for (const auto& [name, entry] : file->tensors)
    if (entry.readable) touch(entry.tensor);
  return true;
}

inline bool config(std::string_view bytes) {
  const auto json = parseJsonObject(bytes, "config.json");
  if (!json) return false;
  (void)huggingFaceStopIds("/nonexistent", *json);
  const auto config = huggingFaceConfig(*json);
  if (!config) return false;
  use(*config);
  return true;
}

}  // namespace ts::hostile
