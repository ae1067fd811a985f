// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/gguf.h"
#include "engine/model/config.h"

namespace ts {

/// The metadata of a GGUF file as llama.cpp reads it (llama-model.cpp, load_hparams). Norm weights of Gemma already
/// hold the +1; the rows of Llama's q and k are permuted, which Rope::interleaved says.
/// Errors: an architecture that nothing here runs (with those that are), mixtures of experts, values out of range.
Result<ModelConfig> ggufConfig(const GgufFile& file);

/// The file's tensors by canonical name (checkpoint.h), each in its stored type; fused projections cut into views.
Result<std::map<std::string, Tensor, std::less<>>> ggufTensors(const GgufFile& file, const ModelConfig& config, std::vector<std::string>& unused);

/// End-of-sequence and end-of-turn ids.
std::vector<int> ggufStopIds(const GgufFile& file);

}  // namespace ts
