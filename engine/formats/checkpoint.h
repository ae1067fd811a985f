// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/tensor.h"
#include "engine/model/config.h"

namespace ts {

class Tokenizer;

/// A model file (GGUF) or folder (Hugging Face) opened: what it says it is, its tensors (memory-mapped) by canonical name
/// and its tokenizer. Nothing is converted yet; `model/build.h` makes a Model of it.
///
/// Canonical tensor names, [outputs, inputs] row-major whatever the file's convention (Conv1D is transposed, fused
/// projections are cut into views):
///   embedding.weight, positions.weight (GPT-2), final_norm.{weight,bias}, head.weight (absent when tied), head.bias
///   layers.I.{attention_norm,attention_post_norm,mlp_norm,mlp_post_norm,q_norm,k_norm}.{weight,bias}
///   layers.I.{q,k,v,o,gate,up,down}.{weight,bias}, or {low_rank_a,low_rank_b}.weight whose product the weight is
struct Checkpoint {
  ModelConfig config;
  std::map<std::string, Tensor, std::less<>> tensors;
  std::shared_ptr<const Tokenizer> tokenizer;  ///< null when the model carries none (tests' tiny families)
  std::vector<int> stopIds;                    ///< end-of-sequence ids (generation_config.json, GGUF eos/eot)
  std::string chatTemplate;                    ///< Jinja source, empty if none
  std::string container;                       ///< "GGUF v3", "Hugging Face (safetensors)"
  std::string weightFormat;                    ///< the dominant tensor type, "F16", "Q4_1"
  std::map<std::string, std::string> metadata;  ///< for the model page: key -> short text
  std::uint64_t fileBytes = 0;
  std::string fingerprint;  ///< XXH3-128 over configuration, names, shapes, types and data of all tensors, hex
  std::filesystem::path path;

  const Tensor* find(std::string_view name) const {
    const auto it = tensors.find(name);
    return it == tensors.end() ? nullptr : &it->second;
  }
  std::uint64_t parameterCount() const;
};

/// Opens a GGUF file, a Hugging Face folder, or a file inside one (config.json, *.safetensors).
/// Errors name the file, the byte offset and what was expected. Never allocates more than the file could hold.
Result<Checkpoint> openCheckpoint(const std::filesystem::path& path, std::stop_token stop = {});

}  // namespace ts
