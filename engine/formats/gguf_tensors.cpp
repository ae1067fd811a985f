// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <set>

#include "engine/formats/cut.h"
#include "engine/formats/families.h"
#include "engine/formats/gguf_model.h"
#include "engine/formats/gguf_types.h"

namespace ts {

Result<std::map<std::string, Tensor, std::less<>>> ggufTensors(const GgufFile& file, const ModelConfig& config, std::vector<std::string>& unused) {
  const Family& family = *familyOf(config);
  std::map<std::string_view, const Tensor*> byName;
  for (const GgufTensor& entry : file.tensors) byName.emplace(entry.name, &entry.tensor);
  std::map<std::string, Tensor, std::less<>> out;
  const auto take = [&](const std::string& name) -> const Tensor* {
    const auto it = byName.find(name);
    if (it == byName.end()) return nullptr;
    const Tensor* tensor = it->second;
    byName.erase(it);
    return tensor;
  };
  for (const TensorNames& names : family.outer)
    for (const std::string ending : {".weight", ".bias"})
      if (const Tensor* tensor = take(std::string(names.gguf) + ending)) out.emplace(std::string(names.canonical) + ending, *tensor);
  for (int layer = 0; layer < config.layerCount(); ++layer) {
    const std::string from = "blk." + std::to_string(layer) + ".";
    for (const TensorNames& names : family.layers)
      for (const std::string ending : {".weight", ".bias"}) {
        const std::string name = from + std::string(names.gguf) + ending;
        const Tensor* tensor = take(name);
        if (tensor == nullptr) continue;
        TS_CHECK(putCut(names.canonical, ending, *tensor, config, layer, name, file.path.string(), out));
      }
  }
  for (const GgufTensor& entry : file.tensors)
    if (entry.name.starts_with(kOwnTensor) && out.emplace(entry.name.substr(kOwnTensor.size()), entry.tensor).second) byName.erase(entry.name);
  for (const auto& [name, tensor] : byName)
    if (!name.starts_with("rope_f")) unused.emplace_back(name);  // rope_freqs, rope_factors_*: in the configuration
  return out;
}

std::vector<int> ggufStopIds(const GgufFile& file) {
  std::set<int> ids;
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
    if (const auto id = file.get<std::int64_t>(key); id && *id >= 0 && *id < kMost) ids.insert(static_cast<int>(*id));
  // Instruction-tuned models end a turn with a token of their own, which older files do not name.
  const auto* tokens = file.array<std::string>("tokenizer.ggml.tokens");
  const auto* kinds = file.array<std::int64_t>("tokenizer.ggml.token_type");
  constexpr std::int64_t kControl = 3;
  if (tokens != nullptr && kinds != nullptr)
    for (std::size_t i = 0; i < std::min(tokens->size(), kinds->size()); ++i)
      for (const char* turn : {"<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>"})
        if ((*kinds)[i] == kControl && (*tokens)[i] == turn) ids.insert(static_cast<int>(i));
  return {ids.begin(), ids.end()};
}

}  // namespace ts
