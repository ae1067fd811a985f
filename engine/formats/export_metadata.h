// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "engine/core/result.h"
#include "engine/formats/checkpoint.h"
#include "engine/formats/families.h"
#include "engine/formats/gguf.h"

namespace ts {

/// Keys of Hugging Face's tokenizer files inside a GGUF (the first is in GGUF's specification).
inline constexpr std::string_view kTokenizerJsonKey = "tokenizer.huggingface.json";
inline constexpr std::string_view kTokenizerConfigKey = "tokenizer.huggingface.config.json";

/// Hyper-parameters under GGUF's keys; the inverse of ggufConfig(). Appends the rope factor tensors they need.
void putHyperParameters(const ModelConfig& config, const Family& family, GgufFile& out);

/// Replaces the numbers of heads and neurons by those of each layer, and the architecture by our own.
void putOwnLayers(const ModelConfig& config, std::span<const LayerConfig> layers, GgufFile& out);

/// The tokenizer, the stop ids and the chat template of a Hugging Face folder under GGUF's keys.
Result<void> putTokenizer(const Checkpoint& source, GgufFile& out);

}  // namespace ts
